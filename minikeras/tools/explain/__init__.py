"""One page that walks forward and backward through a model, with the numbers of one example."""
