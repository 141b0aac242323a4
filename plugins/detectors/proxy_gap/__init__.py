"""How many of a family's programs pass the visible tests without computing what they test."""
