"""Simple recurrent network, LSTM and GRU: the loops over time."""
