-- Drop the schema of a benchmark with all that is in it; psycopg puts its quoted name in.
DROP SCHEMA {} CASCADE
