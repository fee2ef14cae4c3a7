-- Keep spawners and other late workers from deciding for these queues until this transaction ends.
SELECT FROM queues WHERE queue = ANY (%(queues)s) ORDER BY queue FOR NO KEY UPDATE
