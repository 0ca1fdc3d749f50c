"""A live dashboard for a trading bot."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses older ones; who runs a checkout is told here
    sys.exit(f"atb: Python {sys.version_info[0]}.{sys.version_info[1]}: expected 3.11 or newer")
