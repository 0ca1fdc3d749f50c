"""A PostgreSQL of one's own, for the demo and the tests. Never imported where the bot's own database is shown."""
