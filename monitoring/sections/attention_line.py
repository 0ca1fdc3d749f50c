"""The worst alert in one line, for every page but the first."""

from monitoring.sections.attention import load
from monitoring.sections.section import Section

SECTION = Section("attention_line", "Alerts", load, ticks=5.0)
