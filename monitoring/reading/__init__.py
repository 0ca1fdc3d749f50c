"""The one way in which pages and calls read: scope, facts, snapshots of rendered sections."""
