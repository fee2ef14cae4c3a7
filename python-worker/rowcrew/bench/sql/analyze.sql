-- Give the planner statistics about the rows that were just made.
ANALYZE jobs
