"""The child process: receives jobs, runs their handlers, answers how they ended."""
