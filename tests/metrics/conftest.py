"""empyrical, what our figures are compared with; loaded where a test runs, for that takes each test worker a second."""

import warnings
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def empyrical() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import empyrical
    return empyrical
