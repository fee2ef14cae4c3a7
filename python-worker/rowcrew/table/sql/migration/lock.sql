-- Become the one migration of this database until the transaction ends; false = another one is at work.
SELECT pg_try_advisory_xact_lock(821733, 2)
