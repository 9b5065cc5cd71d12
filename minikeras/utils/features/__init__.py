"""Feature spaces: tables of columns to one vector."""
