"""A plan, carried out: executors hand cells to workers, and each worker takes its cells through the stages."""
