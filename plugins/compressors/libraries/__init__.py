"""Compressors of well-kept quantizer libraries, stored and counted in this project's format."""
