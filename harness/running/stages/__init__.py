"""The stages of a cell: weights (train, compress), sample, grade, detect."""
