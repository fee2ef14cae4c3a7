-- Make the schema of a benchmark; psycopg puts its quoted name in.
CREATE SCHEMA {}
