"""Therapy sessions: planning, before leaving, holding."""
