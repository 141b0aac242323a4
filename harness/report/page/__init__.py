"""The report as one offline page: tables, curves, and every sample at hand."""
