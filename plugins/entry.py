"""The built-ins' registration: specs as data, nothing heavy imported."""
