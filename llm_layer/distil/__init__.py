"""Small open models fine-tuned for one of the supervisor's two roles: pairs, low-rank adapters, merged models."""
