"""Flags replies that repeat their prompt."""
