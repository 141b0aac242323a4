"""Rules on a program's syntax tree; nothing is run."""
