-- Dates as text sort as dates.
SELECT set_config('DateStyle', 'ISO', false)
