"""Keys, sealed values, passwords and tokens."""
