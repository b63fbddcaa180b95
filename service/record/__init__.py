"""What was recorded of a session: tracks, moments, notes, and where on the track they belong."""
