"""How a message reaches its receiver: a webhook, a line in the log, a program.

Imported when the first receiver is there. Nothing here waits in the worker's event loop: what may hang runs
in a process of its own, which is killed in time.
"""
