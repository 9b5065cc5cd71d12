"""The arrays underneath: which library makes them, and the random numbers that fill them."""
