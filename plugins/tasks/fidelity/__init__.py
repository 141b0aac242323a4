"""What an intervention changed of a model's predictions, before any benchmark sees it."""
