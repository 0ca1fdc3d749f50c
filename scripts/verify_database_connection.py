#!/usr/bin/env python3
"""`atb db verify` under the name that the engine's deploy files call."""

import sys

from monitoring.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["db", "verify"]
    sys.exit(main())
