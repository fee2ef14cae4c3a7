-- One run at a time decides who is new, also where the queue's limit was lifted.
SELECT pg_advisory_xact_lock('investors'::regclass::oid::bigint)
