"""GPX files: read by our own streaming reader, written with gpxpy."""
