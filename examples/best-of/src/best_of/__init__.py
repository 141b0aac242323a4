"""Training on the best of several replies."""
