"""The pictures of the documentation, drawn from what commands print."""
