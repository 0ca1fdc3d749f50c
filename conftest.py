"""Fixtures that both the tests and the browser journeys use."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.missing", "tests.postgres"]

# A busy machine is no fault of an example.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
