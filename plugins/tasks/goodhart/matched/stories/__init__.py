"""One story a family: the scenario with its turns, and three ways to word the procedure that each turn asks for."""
