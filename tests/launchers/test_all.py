"""What every launcher does, in the place where it does it."""

from __future__ import annotations

import pytest

from rig.ports import free_port
from rowcrew.spawn.launcher import LaunchFailed, PlaceFailed
from tests.launchers.places import Place, launch


def running(place: Place) -> set[str]:
    """The handles that the launcher lists; the test ends where the place cannot tell."""
    listed = place.launcher.running()
    if listed is None:
        pytest.skip(f"{place.launcher.name} cannot tell which workers run")
    assert len(listed) == len(set(listed))
    return set(listed)


def test_a_worker_is_started_with_its_arguments_and_variables(place: Place) -> None:
    wanted = launch()
    given = place.given(place.launcher.start(wanted))
    assert place.started() == 1
    assert given.arguments == list(wanted.arguments)
    assert given.environment.items() >= wanted.environment.items()


def test_a_worker_that_was_started_is_listed(place: Place) -> None:
    before = running(place)
    handles = {place.launcher.start(launch()) for _ in range(3)}
    assert len(handles) == 3
    assert running(place) - before == handles


def test_a_repeat_with_the_same_boot_id_starts_nothing_more(place: Place) -> None:
    running(place)
    wanted = launch()
    first = place.launcher.start(wanted)
    assert place.launcher.start(wanted) == first
    assert place.started() == 1


def test_a_worker_that_has_ended_is_not_listed(place: Place) -> None:
    staying, ending = place.launcher.start(launch()), place.launcher.start(launch())
    place.finish(ending)
    assert {staying, ending} & running(place) == {staying}


def test_a_worker_that_is_asked_to_end_ends(place: Place) -> None:
    staying, ending = place.launcher.start(launch()), place.launcher.start(launch())
    place.launcher.end(ending)
    place.settle()
    assert {staying, ending} & running(place) == {staying}


def test_the_end_of_a_worker_that_has_ended_is_no_error(place: Place) -> None:
    ended, asked = place.launcher.start(launch()), place.launcher.start(launch())
    place.finish(ended)
    place.launcher.end(ended)
    place.launcher.end(asked)
    place.settle()
    place.launcher.end(asked)


def test_the_end_of_an_unknown_handle_is_no_error(place: Place) -> None:
    place.launcher.start(launch())
    place.launcher.end("never-heard-of")


def test_workers_of_another_installation_are_not_listed(place: Place) -> None:
    before = running(place)
    place.named("other").start(launch())
    assert running(place) == before


def test_a_refusal_is_told_with_its_reason_and_the_worker_s_name(place: Place) -> None:
    place.refuse()
    with pytest.raises(LaunchFailed) as failed:
        place.launcher.start(launch(name="ai_1700000000"))
    assert place.words in str(failed.value)
    assert "ai_1700000000" in str(failed.value)


def test_a_place_that_does_not_answer_is_told(place: Place) -> None:
    nowhere = place.at(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(LaunchFailed):
        nowhere.start(launch())
    if place.launcher.running() is not None:
        with pytest.raises(PlaceFailed):
            nowhere.running()
        with pytest.raises(PlaceFailed):
            nowhere.end("some-handle")
