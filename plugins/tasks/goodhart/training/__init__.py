"""How the pocket model is made: text from the families' training split, a tokenizer, a training loop."""
