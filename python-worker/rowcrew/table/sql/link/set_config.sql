-- Settings of the session, or of the transaction alone, in one round trip.
SELECT set_config(name, value, %(local)s) FROM unnest(%(names)s::text[], %(values)s::text[]) AS setting (name, value)
