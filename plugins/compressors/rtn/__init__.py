"""Round to nearest by largest magnitude: the plain, uncalibrated baseline."""
