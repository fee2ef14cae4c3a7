-- Let one run of a batch after the other look for its children, so that a run that is late enqueues none again.
SELECT pg_advisory_xact_lock(hashtextextended('rowcrew batch', %(batch)s))
