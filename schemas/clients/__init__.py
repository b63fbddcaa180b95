"""Wire types of the subject `clients`."""
