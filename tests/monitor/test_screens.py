"""The monitor on a terminal: every screen and key, small and large."""

from __future__ import annotations

import re

import pytest

from rig.proxy import Proxy
from rowcrew.admin.link import WatchingLink
from rowcrew.model.terminal_text import width
from tests.contract.hands import insert, one, read, reserve
from tests.monitor.conftest import Connection
from tests.monitor.screen import monitor

pytestmark = pytest.mark.anyio

SIZES = [(80, 24), (120, 40)]

each_size = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])


@each_size
async def test_now_shows_the_sentence_and_the_queues_worst_first(
    lively: Connection, database_url: str, size: tuple[int, int]
) -> None:
    async with monitor(database_url, size) as seen:
        text = await seen.until_it_says(
            *("1 of 4 queues is behind", "◆ unserved"),
            "4 ready · 1 at work · 2 workers, 6 slots · CPU 70 % · 300 MiB",
        )
        places = [text.index(f" {queue} ") for queue in ("pdf", "ai", "reports")]
        assert places == sorted(places)
        assert ("alpha" in text) == (size[1] == 40)
        assert len(seen.lines) == size[1]
        assert max(map(width, seen.lines)) <= size[0]


@each_size
async def test_each_screen_is_opened_by_its_number_and_fits(
    lively: Connection, database_url: str, size: tuple[int, int]
) -> None:
    async with monitor(database_url, size) as seen:
        for number, words in {
            "2": ("◐ processing", "5/10 Pr", "✗ failed"),
            "3": ("No job is chosen",),
            "4": ("◆ no worker serves the queue", "‖ paused", "rowcrew queues resume mail"[: size[0] // 8]),
            "6": ("● live", "◑ draining", "stopped"),
            "1": ("1 of 4 queues is behind",),
        }.items():
            await seen.press(number)
            await seen.until_it_says(*words)
            assert max(map(width, seen.lines)) <= size[0]


async def test_g_and_a_letter_go_to_a_screen(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        for letter, words in (("j", "all jobs"), ("w", "● live"), ("n", "queues is behind")):
            await seen.press("g")
            assert "go to:" in seen.text
            await seen.press(letter)
            await seen.until_it_says(words)
        await seen.press("g", "z")
        await seen.until_it_says("queues is behind")


async def test_enter_opens_what_is_under_the_cursor(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        await seen.until_it_says("◆ unserved")
        await seen.press("j", "enter")
        await seen.until_it_says("queue:ai · 3 jobs")
        await seen.press("enter")
        text = await seen.until_it_says("ValueError: no such model", "Traceback: line 1", "50 MiB")
        assert "→ " in text


@each_size
async def test_job_shows_why_its_time_line_and_what_went_in(
    lively: Connection, database_url: str, size: tuple[int, int]
) -> None:
    async with monitor(database_url, size) as seen:
        await seen.press("slash", "5", "enter")
        text = await seen.until_it_says("◐ processing", "5/10 Processing chunks")
        assert "░" in text
        assert "█" in text
        assert "alpha has had it for" in " ".join(text.split())
        assert "payload" in text
        assert max(map(width, seen.lines)) <= size[0]


async def test_a_job_that_is_not_there_is_told(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        await seen.press("slash", *"999", "enter")
        await seen.until_it_says("There is no job 999")


async def test_a_search_narrows_and_one_that_nobody_understands_is_told(
    lively: Connection, database_url: str
) -> None:
    async with monitor(database_url) as seen:
        await seen.press("slash", *"status:failed", "enter")
        text = await seen.until_it_says("status:failed · 1 job")
        assert "processing" not in text
        await seen.press("slash", *" colour:red", "enter")
        await seen.until_it_says("'colour:red' is not understood")
        await seen.press("escape")
        await seen.press("1")
        await seen.until_it_says("queues is behind")


async def test_rows_do_not_move_under_the_hand_and_esc_shows_what_is_new(
    lively: Connection, database_url: str
) -> None:
    async with monitor(database_url) as seen:
        await seen.press("2")
        await seen.until_it_says("◐ processing")
        await seen.press("j")
        before = [line.split()[:1] for line in seen.lines]
        insert(lively, id=8, queue="ai")
        reserve(lively, 2)
        text = await seen.until_it_says("1 new · Esc shows them")
        assert [line.split()[:1] for line in seen.lines][:20] == before[:20]
        assert text.count("◐ processing") == 2  # a row changes where it stands
        await seen.press("escape")
        await seen.until(lambda text: re.search("^ +8 ", text, re.MULTILINE) is not None)
        await seen.until(lambda text: "1 new" not in text)


def last_asked(connection: Connection) -> object:
    """When the monitor asked last."""
    return one(
        connection,
        "SELECT max(query_start) FROM pg_stat_activity"
        " WHERE application_name = 'rowcrew monitor' AND datname = current_database()",
    )


async def test_a_list_that_is_scrolled_is_held_too(lively: Connection, database_url: str) -> None:
    for id in range(20, 60):
        insert(lively, id=id, queue="ai")
    async with monitor(database_url) as seen:
        await seen.press("2")
        await seen.until_it_says("○ queued")
        seen.app.jobs.table.scroll_relative(y=5, animate=False)
        await seen.until(lambda text: " 59 " not in text)
        insert(lively, id=60, queue="ai")
        text = await seen.until_it_says("1 new · Esc shows them")
        assert " 59 " not in text
        await seen.press("escape")
        await seen.until_it_says(" 60 ")


async def test_rows_stay_also_when_the_terminal_gets_other_columns(
    lively: Connection, database_url: str
) -> None:
    async with monitor(database_url, (120, 40)) as seen:
        await seen.press("2")
        await seen.until_it_says("tries")
        await seen.press("j", "j")
        await seen.pilot.resize_terminal(80, 24)
        insert(lively, id=8, queue="ai")
        await seen.until_it_says("1 new · Esc")
        assert seen.app.jobs.table.key == "5"
        await seen.press("escape")
        text = await seen.until(lambda text: "tries" not in text)
        assert "▸" not in text


async def test_an_answer_about_another_job_is_not_shown(lively: Connection, database_url: str) -> None:
    link = WatchingLink(database_url)
    async with monitor(database_url) as seen:
        await seen.press("slash", "5", "enter")
        await seen.until_it_says("5/10 Processing chunks")
        late = await seen.app.job.ask(link)
        await seen.press("p", "slash", "6", "enter")
        seen.app.job.take(late)
        await seen.pilot.pause()
        assert "5/10 Processing chunks" not in seen.text
    await link.close()


async def test_values_that_python_cannot_hold_are_shown(lively: Connection, database_url: str) -> None:
    lively.execute(
        """
        UPDATE jobs SET progress = '{"current": 1e5000, "message": "far"}', revision = revision + 1
         WHERE id = 5
        """
    )
    insert(lively, id=8, payload='{"far": 1e5000, "long": "' + "x" * 200_000 + '"}')
    async with monitor(database_url) as seen:
        await seen.press("2")
        await seen.until_it_says("◐ processing")
        await seen.press("slash", "5", "enter")
        await seen.until_it_says("5  report")
        await seen.press("slash", "8", "enter")
        await seen.until_it_says("8  test", "payload")


async def test_p_lets_no_screen_ask_until_p_again(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        await seen.until_it_says("● live", "◆ unserved")
        await seen.press("p", "4")
        text = await seen.until_it_says("‖ nothing shown yet, paused")
        assert "◆" not in text
        asked = last_asked(lively)
        await seen.press("1", "2", "1")
        await seen.until_it_says("‖ values of", "◆ unserved")
        assert last_asked(lively) == asked
        await seen.press("p", "4")
        await seen.until_it_says("● live", "◆ no worker serves")


@pytest.mark.parametrize(("key", "id", "status"), [("c", 3, "cancelled"), ("r", 6, "queued")])
async def test_a_key_changes_a_job_when_it_is_confirmed(
    lively: Connection, database_url: str, key: str, id: int, status: str
) -> None:
    async with monitor(database_url) as seen:
        await seen.press("slash", str(id), "enter")
        await seen.until_it_says(f"{id}  test")
        before = read(lively, id, "status")
        await seen.press(key)
        await seen.until_it_says(f"1 job: {id}?")
        await seen.press("n")
        assert read(lively, id, "status") == before
        await seen.press(key, "enter")
        await seen.until(lambda _: read(lively, id, "status") == (status,))


async def test_picked_jobs_are_changed_together(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        await seen.press("slash", *"queue:ai queued", "enter")
        await seen.until_it_says("queue:ai queued · 2 jobs")
        await seen.press("x", "x", "c")
        await seen.until_it_says("Cancel 2 jobs: 2, 1?")
        await seen.press("enter")
        await seen.until_it_says("cancelled 2 jobs")
        assert [read(lively, id, "status") for id in (1, 2)] == [("cancelled",), ("cancelled",)]


async def test_y_copies_what_names_the_row(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        await seen.until_it_says("◆ unserved")
        await seen.press("y")
        assert seen.app.clipboard == "pdf"
        await seen.press("2")
        await seen.until_it_says("◐ processing")
        await seen.press("y")
        assert seen.app.clipboard == "7"


async def test_the_keys_are_explained_and_q_leaves(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        await seen.press("question_mark")
        await seen.until_it_says("requeue", "nothing is asked of the database")
        await seen.press("escape", "q")
        await seen.pilot.pause()
        assert not seen.app.is_running


async def test_a_database_that_goes_is_told_and_the_monitor_goes_on_when_it_is_back(
    lively: Connection, tcp_database_url: str
) -> None:
    with Proxy(tcp_database_url) as proxy:
        async with monitor(proxy.url) as seen:
            await seen.until_it_says("● live", "◆ unserved")
            proxy.lead_to("postgresql://127.0.0.1:1/none")
            text = await seen.until_it_says("▲ values of", "no connection to")
            assert "◆ unserved" in text  # the last values stay
            proxy.lead_to(tcp_database_url)
            await seen.until_it_says("● live")


async def test_a_statement_that_fails_is_told_and_asked_again(lively: Connection, database_url: str) -> None:
    async with monitor(database_url) as seen:
        await seen.until_it_says("● live", "◆ unserved")
        lively.execute("ALTER TABLE queues RENAME TO gone")
        text = await seen.until_it_says("▲ values of", "rowcrew migrate")
        assert "◆ unserved" in text
        lively.execute("ALTER TABLE gone RENAME TO queues")
        await seen.until_it_says("● live")


async def test_a_terminal_may_become_too_small_for_anything(lively: Connection, database_url: str) -> None:
    async with monitor(database_url, (120, 40)) as seen:
        await seen.until_it_says("◆ unserved")
        for number in "12346":
            await seen.press(number)
            for size in ((20, 5), (1, 1), (200, 60), (80, 24)):
                await seen.pilot.resize_terminal(*size)
        await seen.press("1")
        await seen.until_it_says("1 of 4 queues is behind")
