-- Tell other workers that a place is free; one of those who say so at the same time is enough.
SELECT pg_notify('rowcrew_wake', 'places') IS NOT NULL AS told WHERE pg_try_advisory_xact_lock(821733, 3)
