-- Keep other spawners from deciding for a queue until this transaction ends. No row: another one decides just now.
SELECT queue FROM queues WHERE queue = %(queue)s FOR NO KEY UPDATE SKIP LOCKED
