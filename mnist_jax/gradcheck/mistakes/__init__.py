"""Identifies the mistake in a wrong gradient."""
