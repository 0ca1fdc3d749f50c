"""Versions of sections, and the signals that announce new ones to viewers: names and versions, never data."""
