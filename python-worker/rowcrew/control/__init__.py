"""The worker process: reserves, dispatches, records, proves life. It never imports a handler.

One organ, one file: `worker` joins them, `reserve` takes rows, `dispatch` hands them to runners and takes
their ends, `record` writes the ends, `notes` writes progress, `heartbeat` proves life and fences, `rescue`
takes over from the dead, `stopping` ends runs early, `runners` and `runner_process` keep the children,
`wake_up` listens, `prune` deletes what is old. `ledger` is what they all know: the runs this worker holds.
"""
