"""The places where a worker can be started, a module for each; every one is a `Launcher`."""
