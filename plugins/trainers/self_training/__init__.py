"""Self-training: a policy learns from its own replies, those that its suite's proxy accepts. Self-improvement by inversion."""
