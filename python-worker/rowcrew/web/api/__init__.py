"""The HTTP API: what it offers (`offer`), and one module for each kind of row.

Each operation is a function of a link and of what was given; `admin` does the work.
"""
