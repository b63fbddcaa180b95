"""Towpath: the backend of a walk-and-talk therapist's phone."""
