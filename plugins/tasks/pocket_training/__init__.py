"""What the scripts that train pocket models share: a tokenizer learnt from their text, batches, and the loop."""
