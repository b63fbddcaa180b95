"""Wire types of the subject `sessions`."""
