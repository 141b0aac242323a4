"""A run's results in formats that other tools read. Each format is a file here with one function, which writes into a folder
and returns the paths."""
