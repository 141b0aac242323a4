"""Models: load them, ask them, and store them as Q + L·R. Importing this package registers our formats."""
