"""Fixtures that both the tests and the browser journeys use."""

pytest_plugins = ["tests.missing", "tests.postgres"]
