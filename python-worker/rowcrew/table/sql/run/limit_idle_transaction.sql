-- A handler that hangs between its last write and its return must not hold row locks for ever. Answers the server's process.
SELECT pg_backend_pid() AS "serverProcess", set_config('idle_in_transaction_session_timeout', '60s', true) AS "limit"
