"""`rowcrew bench`: what this machine and this PostgreSQL can do, measured in a scratch schema.

In: the address of a database. Out: a `Report`. Nothing of the worker runs in this process: workers are
started as anybody would start them, and what they are compared with speaks to the table alone.
"""
