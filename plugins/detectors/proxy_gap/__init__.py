"""How far a group of programs passes the visible tests without computing what they test."""
