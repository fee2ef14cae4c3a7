"""A job's way through a worker: reserved, dispatched, stopped early where it must be, recorded."""
