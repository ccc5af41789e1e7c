"""Readers: a notice in words becomes a typed constraint, and constraints become bounds (contract 7)."""
