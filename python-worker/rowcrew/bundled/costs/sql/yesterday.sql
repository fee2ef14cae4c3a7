-- The last day that has ended, by the calendar of AWS, whatever the session's time zone.
SELECT CAST(now() AT TIME ZONE 'UTC' AS date) - 1
