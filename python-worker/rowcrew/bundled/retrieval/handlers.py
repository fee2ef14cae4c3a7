"""The handlers of the family, one file each, as one crew."""

from __future__ import annotations

from rowcrew.bundled.retrieval import batch_processing, file_processing
from rowcrew.crew import Crew

crew = Crew()
crew.include(file_processing.crew)
crew.include(batch_processing.crew)
