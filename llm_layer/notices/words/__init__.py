"""Wordings of notices by kind, as text: a section a style, a line a wording. See ``llm_layer.notices.wordings``."""
