"""Views: for each kind of layer, the formulas of what it does, forward and backward."""
