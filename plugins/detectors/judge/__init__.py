"""A language model as monitor."""
