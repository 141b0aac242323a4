"""Text in, text or likelihood out: load a model, ask it, read its activations."""
