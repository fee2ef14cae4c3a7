-- The schema that this session makes tables in.
SELECT current_schema()
