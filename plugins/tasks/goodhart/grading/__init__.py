"""The two graders of the Goodhart suites: strict (answers, rubric) and the seed experiments' own lenient rules (seed)."""
