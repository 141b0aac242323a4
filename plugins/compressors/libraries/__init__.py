"""Compressors of maintained quantizer libraries, stored and counted in this project's format."""
