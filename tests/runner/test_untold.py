"""What a runner keeps until control and the socket have room, and in which order it goes."""

from __future__ import annotations

import pytest

from rowcrew.crew import Crew
from rowcrew.model.outcome import Completed, Errored, Outcome
from rowcrew.runner.port import Port
from rowcrew.runner.untold import REPORT_BYTES, Untold
from rowcrew.runner.wire import Note
from tests.model.made import a_job

LARGE = Completed(b"x" * 950_000)
SMALL = Completed(b"1")


Taken = tuple[list[tuple[str, Outcome]], list[Note], list[str]]


class Talk:
    """What waits in a runner, with a socket that the test clogs."""

    def __init__(self) -> None:
        self.is_clogged = False
        self.untold = Untold(is_clogged=lambda: self.is_clogged)

    def port(self, lease: str) -> Port:
        return Port(a_job(lease_id=lease), Crew(), "", None, self._tell)

    def _tell(self, port: Port) -> None:
        port.is_noted = True
        self.untold.note(port)

    def hold(self, how: str, on: bool) -> None:
        if how == "pressure":
            self.untold.is_pressed = on
        else:
            self.is_clogged = on

    def is_due(self) -> bool:
        return self.untold.is_due

    def told(self) -> list[str]:
        return [lease for lease, _ in self.untold.take()[0]]


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.mark.parametrize("how", ["pressure", "socket"])
def test_small_ends_go_while_large_ones_wait_and_are_named(talk: Talk, how: str) -> None:
    talk.hold(how, True)
    talk.untold.end("large", LARGE)
    talk.untold.end("failed", Errored("no", "a trace" * 1_000))
    talk.untold.end("small", SMALL)
    assert talk.untold.take() == ([("small", SMALL)], [], ["large", "failed"])
    assert talk.is_due() is False
    assert talk.untold.take() == ([], [], [])
    talk.hold(how, False)
    assert talk.is_due() is True
    assert talk.told() == ["large", "failed"]


def test_a_large_end_that_goes_at_once_is_not_said_to_wait(talk: Talk) -> None:
    talk.untold.end("large", LARGE)
    assert talk.untold.take() == ([("large", LARGE)], [], [])


def test_a_report_ends_with_the_value_that_fills_it(talk: Talk) -> None:
    for number in range(5):
        talk.untold.end(str(number), LARGE)
    most = 1 + REPORT_BYTES // 950_000
    ended, _, finished = talk.untold.take()
    assert ([lease for lease, _ in ended], finished) == (["0", "1"][:most], ["2", "3", "4"])
    assert talk.is_due() is True
    assert talk.told() == ["2", "3"]
    assert talk.told() == ["4"]
    assert talk.is_due() is False


def test_many_large_checkpoints_go_in_several_reports(talk: Talk) -> None:
    for number in range(4):
        talk.port(str(number)).send_checkpoint(b"x" * 900_000)
    assert [len(talk.untold.take()[1]) for _ in range(3)] == [2, 2, 0]


@pytest.mark.parametrize("how", ["pressure", "socket"])
def test_of_the_words_of_a_run_that_wait_only_the_newest_goes(talk: Talk, how: str) -> None:
    talk.hold(how, True)
    port = talk.port("a")
    for number in range(1_000):
        port.send_progress(b"%d" % number)
        port.send_checkpoint(b"%d" % number)
    assert talk.untold.take() == ([], [], [])
    talk.hold(how, False)
    assert talk.untold.take() == ([], [Note("a", b"999", b"999")], [])


@pytest.mark.parametrize("outcome", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("checkpoint", [b"3", b"x" * 900_000], ids=["a word", "a value"])
def test_the_last_words_of_a_run_go_with_its_end_and_never_after_it(
    talk: Talk, outcome: Completed, checkpoint: bytes
) -> None:
    talk.untold.is_pressed = True
    port = talk.port("a")
    port.send_checkpoint(checkpoint)
    talk.untold.end("a", outcome, port)
    is_small = len(outcome.result or b"") + len(checkpoint) < 1_000
    first = talk.untold.take()
    talk.untold.is_pressed = False
    second = talk.untold.take()
    whole: Taken = ([("a", outcome)], [Note("a", None, checkpoint)], [])
    assert (first, second) == ((whole, ([], [], [])) if is_small else (([], [], ["a"]), whole))


def test_a_report_that_is_full_splits_no_run_from_its_last_words(talk: Talk) -> None:
    talk.untold.is_pressed = True
    for lease in ("a", "b"):
        port = talk.port(lease)
        port.send_checkpoint(b"x" * 900_000)
        talk.untold.end(lease, LARGE, port)
    talk.untold.is_pressed = False
    reports = [talk.untold.take() for _ in range(2)]
    told = [([lease for lease, _ in ended], [note.lease_id for note in notes]) for ended, notes, _ in reports]
    assert told == [(["a"], ["a"]), (["b"], ["b"])]


def test_words_of_a_run_that_the_loop_has_not_heard_yet_go_with_its_end(talk: Talk) -> None:
    heard: list[Port] = []
    port = Port(a_job(lease_id="a"), Crew(), "", None, heard.append)
    port.send_checkpoint(b"7")
    port.is_noted = True
    talk.untold.end("a", SMALL, port)
    assert talk.untold.take() == ([("a", SMALL)], [Note("a", None, b"7")], [])
    talk.untold.note(port)  # the loop gets to it
    assert talk.untold.take() == ([], [], [])
