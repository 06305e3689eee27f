"""A backend for lmapp: every model of llm and of its plugins."""

__version__ = "0.1.0"
