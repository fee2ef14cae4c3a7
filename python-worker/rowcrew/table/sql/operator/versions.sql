-- The migrations that this database has, the newest of each branch.
SELECT version_num FROM rowcrew_migrations
