"""Concepts and rules of walk-and-talk therapy. No I/O."""
