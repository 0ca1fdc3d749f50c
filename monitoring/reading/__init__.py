"""The one way in which pages and calls read: scope, facts, fragments of rendered sections."""
