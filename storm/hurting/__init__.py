"""The faults, each a generator of one step: it hurts, yields while it lasts, and heals."""
