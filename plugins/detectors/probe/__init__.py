"""A linear probe on the model's own activations."""
