"""The two graders of the Goodhart suites: strict (answers, rubric), and the published experiments' lenient rules."""
