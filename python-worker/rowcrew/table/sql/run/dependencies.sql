-- What a job waited for, in the order given: how each ended, with its result. One that is gone has no status.
SELECT wanted.id, found.type, found.status, CAST(found.result AS text) AS result, found."errorMessage"
  FROM jobs waiter
 CROSS JOIN LATERAL unnest(waiter."waitsFor") WITH ORDINALITY AS wanted (id, place)
  -- The LIMIT has each looked up by its key, however many there are.
  LEFT JOIN LATERAL (SELECT type, status, result, "errorMessage" FROM jobs WHERE jobs.id = wanted.id LIMIT 1) AS found ON true
 WHERE waiter.id = %(id)s
 ORDER BY wanted.place
