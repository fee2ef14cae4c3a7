-- What ends the stay of an ephemeral worker of these queues: the least that one of them says of each kind.
SELECT min("maxJobsPerSession") AS "maxJobsPerSession", min("idleTimeoutSeconds") AS "idleTimeoutSeconds",
       min("maxRuntimeSeconds") AS "maxRuntimeSeconds"
  FROM queues WHERE queue = ANY (%(queues)s::text[])
