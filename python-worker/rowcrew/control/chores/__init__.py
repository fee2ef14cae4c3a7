"""The periodic duties of a worker: one file each, and one line in `organs`."""
