"""Labels for the judge's work, and the controls fitted to the same labels. None of them is a language model."""
