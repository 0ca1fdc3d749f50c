"""Sections as HTML: which are stale, the templates, and the fragments that all viewers share."""
