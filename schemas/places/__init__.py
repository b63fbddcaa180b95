"""Wire types of the subject `places`."""
