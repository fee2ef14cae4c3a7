-- Whether the lock of probe_hold is held in this very database; and which table is `jobs` here.
SELECT EXISTS (
         SELECT FROM pg_locks
          WHERE locktype = 'advisory' AND granted AND objsubid = 2
            AND classid = %(first)s::oid AND objid = %(second)s::oid
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS seen,
       to_regclass('jobs')::oid AS jobs
