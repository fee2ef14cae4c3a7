"""The handlers of the family, one file each, as one crew."""

from __future__ import annotations

from rowcrew.bundled.announcements import ai_processing, investor_processing, supabase_upload
from rowcrew.crew import Crew

crew = Crew()
crew.include(ai_processing.crew)
crew.include(supabase_upload.crew)
crew.include(investor_processing.crew)
