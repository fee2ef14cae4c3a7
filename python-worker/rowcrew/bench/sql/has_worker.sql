-- Whether the worker with this process id has entered.
SELECT count(*) > 0 FROM workers WHERE pid = %(pid)s AND "stoppedAt" IS NULL
