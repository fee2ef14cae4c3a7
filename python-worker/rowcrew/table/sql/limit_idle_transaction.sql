-- A handler that hangs between its last write and its return must not hold row locks for ever.
SET LOCAL idle_in_transaction_session_timeout = '60s'
