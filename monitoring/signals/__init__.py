"""Versions of sections, and who is told of new ones: names and versions only, never data."""
