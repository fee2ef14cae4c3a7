"""What a runner has still to tell control: small ends at once, large values when there is room for them.

In: ends and notes from `loop`. Out: what goes into the next report. A value waits here while the socket is
full or control has as many as it may hold. So nothing waits twice: an end waits once, in the memory that its
handler took, and of a run's notes only the newest is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from rowcrew.model.outcome import Completed, Errored, Outcome, Parked
from rowcrew.runner.port import Port
from rowcrew.runner.wire import Note

LARGE_BYTES: Final = 4 * 1024
REPORT_BYTES: Final = 1024 * 1024
"""A report takes large values until they are so many bytes; the next one follows when it has left."""


class Untold:
    """Ends and notes that have not been sent.

    Args:
        is_clogged: whether what was sent last has not left yet.

    Attributes:
        is_pressed: control takes no large values now.
    """

    def __init__(self, *, is_clogged: Callable[[], bool]) -> None:
        self._is_clogged = is_clogged
        self.is_pressed = False
        self._small: list[tuple[str, Outcome]] = []
        self._large: deque[tuple[str, Outcome]] = deque()
        self._finished: list[str] = []
        self._notes: dict[str, Port] = {}

    @property
    def has_notes(self) -> bool:
        return bool(self._notes)

    @property
    def is_due(self) -> bool:
        """Whether something waits that could go now."""
        return bool(self._large or self._notes) and self._has_room()

    def note(self, port: Port) -> None:
        if port.is_noted:  # else its end has taken the news along
            self._notes[port.job.lease_id] = port

    def end(self, lease_id: str, outcome: Outcome, port: Port | None = None) -> None:
        size = _bytes_of(outcome)
        if port is not None and port.is_noted:  # the loop may not have got to it
            self._notes[lease_id] = port
            size += port.news_bytes
        if size > LARGE_BYTES:
            self._large.append((lease_id, outcome))
            self._finished.append(lease_id)
        else:
            self._small.append((lease_id, outcome))

    def take(self) -> tuple[list[tuple[str, Outcome]], list[Note], list[str]]:
        """Ends and notes to send now, and the runs whose handlers ended but whose ends stay here."""
        ended, self._small = self._small, []
        if not self._notes and not self._large and not self._finished:  # nearly always
            return ended, [], []
        notes = [self._notes.pop(lease_id).news() for lease_id, _ in ended if lease_id in self._notes]
        if self._has_room():
            self._add_large(ended, notes)
        finished, self._finished = self._finished, []
        if finished:
            told = {lease_id for lease_id, _ in ended}
            finished = [lease_id for lease_id in finished if lease_id not in told]
        return ended, notes, finished

    def _has_room(self) -> bool:
        return not self.is_pressed and not self._is_clogged()

    def _add_large(self, ended: list[tuple[str, Outcome]], notes: list[Note]) -> None:
        """No end goes before the last note of its run: control would not know any more whose note that is."""
        room = REPORT_BYTES
        while self._large and room > 0:
            lease_id, outcome = self._large.popleft()
            ended.append((lease_id, outcome))
            room -= _bytes_of(outcome)
            if lease_id in self._notes:
                room -= self._take_note(lease_id, notes)
        while self._notes and room > 0:
            room -= self._take_note(next(iter(self._notes)), notes)

    def _take_note(self, lease_id: str, notes: list[Note]) -> int:
        note = self._notes.pop(lease_id).news()
        notes.append(note)
        return len(note.progress or b"") + len(note.checkpoint or b"")


def _bytes_of(outcome: Outcome) -> int:
    """What an end carries beside a sentence."""
    if type(outcome) is Completed:
        size = 0 if outcome.result is None else len(outcome.result)
        if outcome.children is None and outcome.events is None:
            return size
        return size + len(outcome.children or b"") + len(outcome.events or b"")
    if type(outcome) is Parked:
        return len(outcome.children)
    return len(outcome.traceback or "") if type(outcome) is Errored else 0
