"""Which SQL of a model is sent to the database at all: one question that calls functions of a list.

In: a text. Out: the text, or a sentence that says what is refused. A read-only transaction keeps tables as
they are, but functions can sleep, end sessions, take locks, read files and open connections in one; so every
name before a parenthesis must be known. Only the plain half of PostgreSQL's spelling is read, because what
this file and the server read differently would be a way past it. Pure. Called by `sql_readonly`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from rowcrew.bundled.investigation.tools.tool import CannotAnswer

LONGEST: Final = 10_000
_ALLOWED: Final = """
abs array_agg array_length array_position array_to_string avg bit_length bool_and bool_or btrim
cardinality cast ceil ceiling char_length coalesce concat concat_ws corr count cume_dist date_bin
date_part date_trunc dense_rank every exp extract first_value floor greatest initcap json_agg
json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
json_each json_each_text json_object_keys json_typeof jsonb_agg jsonb_array_elements
jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each
jsonb_each_text jsonb_object_keys jsonb_typeof lag last_value lead least left length ln log lower
ltrim make_date make_interval max md5 min mod mode now nth_value ntile nullif num_nonnulls num_nulls
octet_length percent_rank percentile_cont percentile_disc position power plainto_tsquery rank
regexp_count regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_table
regexp_substr replace reverse right round row_number row_to_json rtrim sign split_part sqrt
starts_with stddev stddev_pop stddev_samp string_agg string_to_array strpos substr substring sum
to_char to_date to_json to_jsonb to_number to_timestamp to_tsvector translate trim trunc ts_rank
unnest upper var_pop var_samp variance websearch_to_tsquery width_bucket
"""
FUNCTIONS: Final = frozenset(_ALLOWED.split())
_TYPE_NAMES: Final = """
bit char character decimal float interval numeric time timestamp varchar varying
"""
_TYPES: Final = frozenset(_TYPE_NAMES.split())
_KEYWORDS: Final = """
all and any array as between by case distinct else except exists filter from group having ilike in
intersect is join lateral like limit materialized not offset on or over partition recursive row
rollup cube sets select some then union using values when where with within
"""
_BEFORE_PARENTHESES: Final = frozenset(_KEYWORDS.split())
_OPENINGS: Final = frozenset({"select", "with", "values", "table"})
_VERBS: Final = """
alter call copy create delete do drop execute grant insert into listen lock merge notify prepare
refresh reset revoke set truncate unlisten update vacuum
"""
_CHANGES: Final = frozenset(_VERBS.split())
_TOKEN: Final = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<odd>--|/\*|[;\\$`])
    | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<word>[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)
    | (?P<sign>[-+*/<>=~!@\#%^&|?.,:()\[\]])
    """,
    re.VERBOSE,
)


class _Token(NamedTuple):
    """A piece of the text; `text` of a word is in small letters."""

    kind: str
    text: str


def guarded(text: str) -> str:
    """The question, without a semicolon at its end.

    Raises:
        CannotAnswer: it is not plainly one question that changes nothing.
    """
    question = text.strip().removesuffix(";").rstrip()
    if len(question) > LONGEST:
        raise CannotAnswer(f"sql has more than {LONGEST:,} characters")
    tokens = _tokens(question)
    if not tokens or tokens[0].text not in _OPENINGS or tokens[0].kind != "word":
        raise CannotAnswer("sql must begin with SELECT, WITH, VALUES or TABLE")
    _refuse_unbalanced(tokens)
    for token in tokens:
        if token.kind == "word" and token.text in _CHANGES:
            raise CannotAnswer(
                f"{token.text.upper()} is refused: sql may only read. Quote a column of this name"
            )
    for place, token in enumerate(tokens):
        if token == ("word", "share") and tokens[place - 1].text in ("for", "key"):
            raise CannotAnswer("FOR SHARE is refused: sql may only read")
        if token == ("sign", "(") and place:
            _refuse_call(tokens[:place])
    return question


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, is_apart = 0, True
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup == "odd":
            raise CannotAnswer(
                f"sql holds {text[at : at + 2]!r}: write one statement, no comment, no \\ or $"
            )
        kind = match.lastgroup or ""
        if kind in ("string", "quoted") and not is_apart:
            raise CannotAnswer("sql holds a string with a prefix; leave a blank before it, or the prefix out")
        if kind == "string" and "\\" in match[0]:
            raise CannotAnswer("sql holds a backslash in a string; use [0-9] and the like")
        if kind != "space":
            # The server folds the letters of ASCII alone: to it the Kelvin sign is no k.
            is_folded = kind == "word" and match[0].isascii()
            tokens.append(_Token(kind, match[0].lower() if is_folded else match[0]))
        is_apart = kind not in ("word", "number", "string", "quoted") and match[0] != "&"
        at = match.end()
    return tokens


def _refuse_unbalanced(tokens: Sequence[_Token]) -> None:
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        if depth < 0:
            break
    if depth:
        raise CannotAnswer("sql has a parenthesis without its other half")


def _refuse_call(before: Sequence[_Token]) -> None:
    """Before a parenthesis stands no name, or a word of SQL's own, a known function, a new name after AS."""
    name = before[-1]
    if name.kind not in ("word", "quoted"):
        return
    is_word = name.kind == "word"
    last = before[-2] if len(before) > 1 else None
    if last == ("sign", "."):
        raise CannotAnswer("a function is named with its schema; name it without")
    if is_word and name.text in _BEFORE_PARENTHESES | _TYPES | FUNCTIONS:
        return
    if last is not None and last.kind == "word" and last.text in ("as", "with", "recursive"):
        return
    known = "count, sum, lower, to_char, regexp_match, jsonb_each and the like are allowed"
    raise CannotAnswer(f"the function {name.text} is refused; {known}")
