"""Matched sets: each family's story with its turns, so that every scenario has twins that need another procedure."""
