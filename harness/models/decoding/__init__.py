"""Replies by continuous batching: rows leave a running batch when they end, and waiting ones enter."""
