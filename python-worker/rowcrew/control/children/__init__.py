"""The runner processes of a worker, as control sees them."""
