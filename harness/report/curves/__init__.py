"""Curves: a suite's rates against the size of the model or the step of its training, as data and as SVG."""
