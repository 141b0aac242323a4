"""Stock lm-eval tasks on every cell's model: lm-eval/TASK."""
