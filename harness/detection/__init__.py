"""What detectors work with: tools, judges, activations, the bench that measures them and the error rates it found."""
