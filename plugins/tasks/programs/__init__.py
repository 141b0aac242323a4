"""What suites that run programs share: from a reply to the program in it, and the sandbox that runs it."""
