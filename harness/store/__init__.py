"""What is on disk: run folders, the cache, locks, files. It knows nothing about what is run."""
