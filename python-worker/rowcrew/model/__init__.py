"""The words Rowcrew thinks in: jobs, leases, outcomes and what follows from them.

Values and pure functions only: no input or output, no clock, no randomness that is not passed in. Every other
room may import this one; it imports nothing but msgspec.
"""
