"""What the tools that look at documents answer, and what they do not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.bundled.investigation.conversation import Call
from rowcrew.bundled.investigation.tools import descriptions, tools_of, used
from rowcrew.bundled.investigation.tools.naming import named_in, resolved
from rowcrew.bundled.investigation.tools.passages import MOST_CHARACTERS, densest
from tests.investigation.conftest import Study

EVERY = ("literal_search", "semantic_search", "dependency_analysis", "read_document", "sql_readonly")


def use(study: Study, tool: str, **arguments: Any) -> Any:
    tools = tools_of(EVERY, study.connection, "default", None)
    result = used(Call(id="one", tool=tool, arguments=arguments), tools, study.connection)
    return msgspec.json.decode(result.content)


def test_a_literal_search_takes_text_as_it_stands(study: Study) -> None:
    study.add("a.txt", "100% of a_b", "1000 of axb")
    study.add("b.txt", "100% of a_b", project="other")
    found = use(study, "literal_search", text="100% OF A_B")
    assert [(each["name"], each["place"]) for each in found] == [("a.txt", 1)]


def test_a_document_is_read_from_a_place_on_as_far_as_fits(study: Study) -> None:
    id = study.add("a.txt", "first", "second" + "x" * MOST_CHARACTERS, "third")
    [passage] = use(study, "read_document", documentId=id, place=2)
    assert (passage["place"], len(passage["text"]), passage["isCut"]) == (2, MOST_CHARACTERS, True)
    assert [each["text"] for each in use(study, "read_document", documentId=id, place=3)] == ["third"]


def test_a_document_of_another_project_is_not_there(study: Study) -> None:
    id = study.add("a.txt", "secret", project="other")
    assert "no document" in use(study, "read_document", documentId=id)["error"]
    assert "no such document" in use(study, "dependency_analysis", documentId=id)["error"]


def test_a_search_shows_the_piece_of_a_chunk_where_the_words_stand(study: Study) -> None:
    study.add("a.txt", "x " * 4_000 + "the needle is here" + " y" * 4_000)
    [passage] = use(study, "literal_search", text="needle")
    assert "the needle is here" in passage["text"]
    assert len(passage["text"]) == MOST_CHARACTERS


@given(
    text=st.text("ab ", max_size=60),
    words=st.lists(st.text("ab", max_size=3), max_size=3),
    width=st.integers(1, 20),
)
def test_a_window_lies_in_the_text(text: str, words: list[str], width: int) -> None:
    begin = densest(text, words, width)
    assert 0 <= begin <= max(0, len(text) - width)


def test_dependencies_are_found_in_both_directions(study: Study) -> None:
    shop = study.add("src/shop/__init__.py", "from shop.cart import Cart\nimport json\n")
    cart = study.add("src/shop/cart.py", "from . import prices as p\nfrom .money import euro, dollar\n")
    prices = study.add("src/shop/prices.py", "RATE = 2\n")
    study.add("src/other.py", "import shop.prices\n", project="other")
    found = use(study, "dependency_analysis", name="cart.py")
    assert (found["documentId"], found["document"]) == (cart, "src/shop/cart.py")
    assert found["imports"] == [
        {"named": ".prices", "documentId": prices, "document": "src/shop/prices.py"},
        {"named": ".money.euro"},
        {"named": ".money.dollar"},
    ]
    assert [each["documentId"] for each in found["importedBy"]] == [shop]
    assert use(study, "dependency_analysis", documentId=prices)["importedBy"][0]["documentId"] == cart


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("import { a, b } from './lib/a'", ["./lib/a"]),
        ('import "./side-effect.css";', ["./side-effect.css"]),
        ("export * from '../b'", ["../b"]),
        ("const fs = require('node:fs'), x = require(\"./x\")", ["node:fs", "./x"]),
        ("const page = await import('./page.js')", ["./page.js"]),
        ("#include <stdio.h>", ["stdio.h"]),
        ('#  include "own/header.h"', ["own/header.h"]),
        ("import java.util.List;", ["java.util.List"]),
        ("import static org.junit.Assert.assertTrue;", ["org.junit.Assert.assertTrue"]),
        ("use crate::model::job;", ["crate::model::job"]),
        ("using System.Text;", ["System.Text"]),
        ("require_relative 'lib/tool'", ["lib/tool"]),
        ("import os, sys as system", ["os", "sys"]),
        ("from a.b import c as d, e", ["a.b.c", "a.b.e"]),
        ("from .. import x", ["..x"]),
        ("important = from_here", []),
        ("We import goods from Oslo", []),
    ],
)
def test_what_a_line_names(line: str, named: list[str]) -> None:
    assert named_in([line]) == named


@pytest.mark.parametrize(
    ("named", "importer", "found"),
    [
        ("./x", "web/a.ts", 1),
        ("../web/x.js", "lib/b.ts", 1),
        ("./x", "lib/b.ts", None),
        ("web", "any.py", 2),
        ("shop.cart.Cart", "any.py", 3),
        (".cart", "src/shop/a.py", 3),
        ("..shop.cart", "src/web/a.py", 3),
        ("json", "any.py", None),
    ],
)
def test_which_file_a_name_means(named: str, importer: str, found: int | None) -> None:
    documents = {"web/x": 1, "web/index": 2, "src/shop/cart": 3}
    assert resolved(named, importer, documents) == found


def test_what_a_model_is_told_of_a_tool_is_the_schema_of_an_object(study: Study) -> None:
    told = descriptions(tools_of(EVERY, study.connection, "default", study.url))
    assert sorted(each.name for each in told) == sorted(EVERY)
    assert all(each.schema["type"] == "object" and not each.schema["additionalProperties"] for each in told)
    assert "sql_readonly" not in tools_of(EVERY, study.connection, "default", None)
