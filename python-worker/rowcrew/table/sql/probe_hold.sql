-- Hold a lock with a name of two numbers until the transaction ends, for probe_seen to see; and which table is `jobs` here.
SELECT to_regclass('jobs')::oid AS jobs FROM pg_advisory_xact_lock(%(first)s::int, %(second)s::int)
