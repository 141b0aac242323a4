"""What a person watches while something runs: bars on a terminal or in a notebook, lines in a log."""
