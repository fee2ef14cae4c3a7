"""The bundled job types, one file each. `crew` holds them all; a worker that is given no other crew runs it.

A handler here uses what any user's handler may use: the payload, the `Context` and the tables. Heavy
libraries are imported inside the handlers, so that loading the crew stays cheap.
"""

from __future__ import annotations

from rowcrew.bundled import csv_import, model_run, monte_carlo, pdf_export, pptx_export
from rowcrew.crew import Crew

crew = Crew()
crew.include(model_run.crew)
crew.include(monte_carlo.crew)
crew.include(csv_import.crew)
crew.include(pdf_export.crew)
crew.include(pptx_export.crew)
