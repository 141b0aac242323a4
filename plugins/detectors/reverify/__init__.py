"""The same program, verified twice: as it was asked for, and under other names on other inputs."""
