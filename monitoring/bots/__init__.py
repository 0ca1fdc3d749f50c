"""Bots: chains of sessions, and which of them is shown."""
