"""Round to nearest plus one plain SVD of the residual: the scheme of the seed experiments."""
