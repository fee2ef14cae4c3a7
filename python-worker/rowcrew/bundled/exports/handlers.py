"""The handlers of the family, one file each, as one crew."""

from __future__ import annotations

from rowcrew.bundled.exports import pdf_export, pptx_export
from rowcrew.crew import Crew

crew = Crew()
crew.include(pdf_export.crew)
crew.include(pptx_export.crew)
