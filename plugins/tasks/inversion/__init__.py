"""Commands for tasks, judged by how well the task can be read back from them, and by whether they do it."""
