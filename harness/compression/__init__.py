"""Compress a model block by block: calibration, the streaming driver, what it costs, and exports."""
