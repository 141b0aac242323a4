"""What is on disk: run folders, the cache, locks, files. It knows nothing of what is run."""
