"""The sections of the dashboard, in the order in which its pages show them."""

from monitoring.sections.pages import PAGES, SECTIONS, STORIES, Page
from monitoring.sections.section import BadParameter, Context, Section

BY_NAME = {section.name: section for section in SECTIONS}

__all__ = ["BY_NAME", "PAGES", "SECTIONS", "STORIES", "BadParameter", "Context", "Page", "Section"]
