-- Who is to be told of events.
SELECT name, via, target, "timeoutSeconds", "maxAttempts" FROM event_receivers ORDER BY name
