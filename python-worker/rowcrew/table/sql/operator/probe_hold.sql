-- Hold a lock named by two numbers until the transaction ends, for probe_seen; and which table is `jobs` here.
SELECT to_regclass('jobs')::oid AS jobs FROM pg_advisory_xact_lock(%(first)s::int, %(second)s::int)
