"""Adapters: a few trainable coordinates per Linear, in two copies, of which one can be thrown away."""
