"""What is asked for: templates of goals over a file tree, which are executed, and of security scans, which are not."""
