"""What every package may use: nests, dtypes, unknown sizes, names, look-ups. Knows no array."""
