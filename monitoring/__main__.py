"""``python -m monitoring`` is the ``atb-monitoring`` command."""

from monitoring.cli import monitoring_main

monitoring_main()
