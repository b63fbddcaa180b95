"""Planned walks: routes, their versions and features, the turn-back point."""
