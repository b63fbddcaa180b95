"""Wire types: what a phone sends and gets."""
