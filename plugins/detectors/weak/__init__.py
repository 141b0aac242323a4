"""A detector that is blind on purpose."""
