"""Stored and sent forms of a line: the columnar blob, GeoJSON, compression."""
