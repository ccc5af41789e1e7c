"""Probes: files of questions with the answers that count as right, put to a reader or a judge and scored."""
