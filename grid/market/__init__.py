"""The P415 market model: baseline, commitments, settlement, what a week leaves behind (design section 4)."""
