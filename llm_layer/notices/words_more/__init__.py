"""More wordings, for training alone: see ``llm_layer.notices.wordings``."""
