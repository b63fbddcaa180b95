"""Wire types of the subject `walks`."""
