-- The settings of the server that figures depend on most.
SELECT current_setting('server_version') AS server_version, current_setting('shared_buffers') AS shared_buffers,
       current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit
