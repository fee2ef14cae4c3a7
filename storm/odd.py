"""Odd rows: what no statement of a worker can take, one type for each kind.

In: the table of a storm, which gets a check and a trigger that refuse the rows of these types. Out: the types
for `crew` and `load`; for `check` what becomes of each: set aside as it stands, or failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# By type, the status that a row of it comes to.
ENDINGS: Final[Mapping[str, str]] = {
    "odd_check": "queued",
    "odd_start": "queued",
    "odd_counters": "queued",
    "odd_completion": "failed",
    "odd_end": "processing",
}
SET_ASIDE: Final = frozenset(type for type, status in ENDINGS.items() if status != "failed")
FIRST_PAUSE_SECONDS: Final = 10.0
LONGEST_PAUSE_SECONDS: Final = 600.0

REFUSALS: Final = """
ALTER TABLE jobs ADD CONSTRAINT storm_check CHECK (type <> 'odd_check' OR status = 'queued') NOT VALID;
CREATE FUNCTION storm_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the storm takes no % of this row', NEW.status;
END $$;
CREATE TRIGGER storm_refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (
    NEW.type = 'odd_start' AND OLD.status = 'queued' AND NEW.status = 'processing'
    OR NEW.type = 'odd_completion' AND NEW.status = 'completed'
    OR NEW.type = 'odd_end' AND OLD.status = 'processing' AND NEW.status <> 'processing')
    EXECUTE FUNCTION storm_refuse();
"""
