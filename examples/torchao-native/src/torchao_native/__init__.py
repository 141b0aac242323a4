"""torchao's int8 weights in torchao's own file format."""
