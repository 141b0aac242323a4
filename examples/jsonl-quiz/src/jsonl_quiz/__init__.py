"""Quizzes from a JSONL file."""
