-- Settings of the server that decide how a queue fares on it, as people write them.
SELECT name, current_setting(name) AS value, source <> 'default' AS "isSet"
  FROM pg_settings
 WHERE name = ANY (CAST(%(names)s AS text[]))
 ORDER BY name
