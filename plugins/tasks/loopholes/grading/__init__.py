"""Two graders that share no path: the flawed one (visible tests, loophole channels) and the oracle (held-out tests)."""
