"""Data files that others collected; nothing of them ships with this project."""
