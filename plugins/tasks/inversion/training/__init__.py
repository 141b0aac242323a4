"""How `pocket-shell` was made: its training text and the script that trains it."""
