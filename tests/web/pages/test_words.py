"""Values in the words of a page."""

from __future__ import annotations

import json

import msgspec

from rowcrew.web.pages.remedies import as_sentence
from rowcrew.web.pages.words import pretty


def test_words_end_as_a_sentence_once() -> None:
    told = ("no worker knows it; did you mean 'mail'?", "old.", "it waits")
    assert list(map(as_sentence, told)) == ["No worker knows it; did you mean 'mail'?", "Old.", "It waits."]


def test_keys_of_json_are_told_from_values_that_look_like_keys() -> None:
    raw = msgspec.Raw(b'{"<a>": ["\\"b\\": 1", {"c": "d:\\n  \\"e\\": 1"}], "f": "g"}')
    shown = pretty(raw)
    assert shown.count('<span class="k">') == 3
    assert '  <span class="k">&#34;&lt;a&gt;&#34;</span>: [\n' in shown
    assert shown.striptags() == " ".join(json.dumps(json.loads(bytes(raw)), indent=2).split())


def test_a_large_payload_is_shown_whole_and_its_keys_are_not_looked_for() -> None:
    shown = pretty(msgspec.Raw(json.dumps({f"key-{n}": n for n in range(20_000)}).encode()))
    assert "&#34;key-19999&#34;: 19999\n}" in shown
    assert "<span" not in shown
