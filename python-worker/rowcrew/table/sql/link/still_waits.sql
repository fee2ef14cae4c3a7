-- Whether a session of this name and process id still waits for a synchronous stand-by; no row if it does not.
SELECT true AS waits FROM pg_stat_activity
 WHERE pid = %(process)s AND application_name = %(name)s AND wait_event = 'SyncRep'
