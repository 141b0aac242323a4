"""Where problems come from: generated compositions, authored ones, and data files of others."""
