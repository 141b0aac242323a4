"""Number puzzles whose solver also writes the tests: is the expression right, or do its own tests say so?"""
