"""Programs to write, each with a truthful statement of a grader that could be cheated, and an oracle that could not."""
