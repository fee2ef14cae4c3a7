"""What the pages say is so: links lead somewhere, settings are those of the code, words are ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rowcrew.control.road.stopping import LAST_CALL_SECONDS
from rowcrew.family import variables
from rowcrew.log import EVENTS
from rowcrew.settings.launchers import LAUNCHER_VARIABLES
from rowcrew.settings.variables import VARIABLES
from tests.docs.pages import PAGES, ROOT, anchors, block_marked, links, prose

# Words that would mean something we have another word for (see docs/glossary.md, which may name them). What
# a worker is in ECS has no other name.
FOREIGN_WORDS = re.compile(
    r"\b((?<!ECS )tasks?|message queue|dead[- ]letter\w*|visibility timeout|dequeue\w*|subworkers?|"
    r"entry ?points?|autoscalers?|reap\w*|claim(s|ed|ing)?|discard\w*|abort\w*|nack\w*|ack(s|ed)?|"
    r"executions?|executes?|perform(s|ed)?|submit\w*|fetch(es|ed|ing)?|plugins?|registry|args)\b",
    re.IGNORECASE,
)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in links(page):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page not in reached and page.exists():
            reached.add(page)
            paths = (link.partition("#")[0] for link in links(page))
            left += [(page.parent / path).resolve() for path in paths if path.endswith(".md")]
    assert set(PAGES) <= reached


def test_the_table_of_settings_is_that_of_the_code() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| {', '.join(f'`{name}`' for name in variable.names)} | {variable.default} | {variable.meaning} |"
        for variable in (*VARIABLES, *variables(), *LAUNCHER_VARIABLES)
    ]


def test_no_setting_is_called_by_the_end_of_its_name() -> None:
    known = {name for variable in (*VARIABLES, *variables(), *LAUNCHER_VARIABLES) for name in variable.names}
    called = {
        (page.name, word)
        for page in PAGES
        for word in re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)[`=]", page.read_text())
    }
    assert [
        found
        for found in sorted(called)
        if found[1] not in known and any(n.endswith(f"_{found[1]}") for n in known)
    ] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem not in ("glossary", "CONTRIBUTING")], ids=name
)
def test_one_word_for_each_thing(page: Path) -> None:
    text = re.sub(r"`[^`]*`", "", prose(page))
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    assert [found[0] for found in FOREIGN_WORDS.finditer(text)] == []


def test_every_line_of_the_log_that_the_readme_shows_is_a_line_of_the_log() -> None:
    shown = re.search(r"```text\n(🚀.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    forms = [re.sub(r"\\\{\w+(:\w+)?\\\}", ".+", re.escape(words.text)) for words in EVENTS.values()]
    for line in shown[1].splitlines():
        assert any(re.fullmatch(form, line) for form in forms), line


def test_the_files_that_the_architecture_names_exist() -> None:
    road = (ROOT / "docs" / "architecture.md").read_text().partition("## The road")[2]
    files = re.findall(r"`((?:\w+/)+\w+\.(?:py|sql)|\w+\.py)`", road)
    assert files
    for file in files:
        places = [ROOT / file, ROOT / "python-worker" / "rowcrew" / file]
        assert any(place.exists() for place in places), file


def test_the_wait_that_platforms_need_is_counted_with_the_defaults() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    defaults = {variable.names[0]: variable.default for variable in (*VARIABLES, *variables())}
    assert f"`SHUTDOWN_GRACE` ({defaults['SHUTDOWN_GRACE']} s)" in page
    assert LAST_CALL_SECONDS == 2
    assert "then two seconds to obey a request to stop" in page


def test_the_crew_of_the_five_minutes_is_no_longer_than_it_says() -> None:
    lines = [line for line in block_marked("file", "app.py").text.splitlines() if line.strip()]
    assert len(lines) <= 10
