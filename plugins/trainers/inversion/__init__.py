"""Self-improvement by inversion: a policy learns from those of its own replies that its suite's proxy accepts."""
