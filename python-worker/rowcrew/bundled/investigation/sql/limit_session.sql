-- Keep what a model asks from taking long, from waiting for locks, and from being read in another way than it was checked.
SELECT set_config('statement_timeout', '5s', true) AS "statementTimeout",
       set_config('lock_timeout', '1s', true) AS "lockTimeout",
       set_config('idle_in_transaction_session_timeout', '10s', true) AS "idleTimeout",
       set_config('max_parallel_workers_per_gather', '0', true) AS "workers",
       set_config('standard_conforming_strings', 'on', true) AS "strings"
