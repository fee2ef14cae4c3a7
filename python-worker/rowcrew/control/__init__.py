"""The worker process: reserves, dispatches, records, proves life. It never imports a handler.

`main` is the process, `worker` its life from start to stop, `organs` the list of what runs in it. A held job
is a `run`, and all of them are in the `ledger`. `road` is a job's way through, `care` keeps promises when
something breaks, `children` are the runners, `chores` what comes round by the clock.
"""
