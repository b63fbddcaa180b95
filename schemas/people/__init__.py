"""Wire types of the subject `people`."""
