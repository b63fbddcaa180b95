"""Wire types of the subject `record`."""
