"""What may be stored and shown: no secrets, no rows of others, nothing unstorable, no endless length."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.cleaning import (
    MESSAGE_LENGTH,
    TRACEBACK_LENGTH,
    clean_json,
    clean_line,
    clean_text,
    describe,
)

CANARY = "c4n4ryV4lue0123456789"
AWS_KEY = "AKIAIOSFODNN7EXAMPLE"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"

# Any text, and as often one of the characters that make trouble.
texts = st.text(st.characters(codec=None), max_size=300) | st.text(
    st.sampled_from("\0\ud800\x1b\x85 \n\\\"'=:@/%a"), max_size=30
)

SECRETS = [
    f"could not connect to postgresql://app:{CANARY}@db.example/app",
    f"could not connect to postgresql+psycopg://app:p@ss{CANARY}@db.example/app",
    f"redis://:{CANARY}@cache",
    f"host=db user=app password={CANARY} dbname=app",
    f"host=db password='two words {CANARY}' dbname=app",
    f'{{"user": "app", "password": "{CANARY}"}}',
    f'{{"password": "with \\" quote {CANARY}"}}',
    json.dumps({"body": json.dumps({"password": f"two words {CANARY}"})}),
    f"{{'password': 'two words {CANARY}'}}",
    f"DB_PASSWORD={CANARY}",
    f"Password : {CANARY}",
    f"pass\0word={CANARY}",
    f"client_secret={CANARY}&x=1",
    f"AWS_SECRET_ACCESS_KEY={CANARY}",
    f'"secretAccessKey": "{CANARY}"',
    f"api_key={CANARY}",
    f"x-api-key: {CANARY}",
    f"access_token={CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"Authorization: Basic {CANARY}",
    f"{{'Authorization': 'Bearer {CANARY}'}}",
    f"sent bearer {CANARY}",
    f"invalid key sk-{CANARY}",
    f"invalid key sk-proj-{CANARY}",
    f"invalid key sk_live_{CANARY}",
    f"remote: ghp_{CANARY}",
    f"slack said xoxb-{CANARY}",
    f"https://b.s3.amazonaws.com/k?X-Amz-Signature={CANARY}&X-Amz-Expires=60",
    f"https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Credential={CANARY}",
    f"https://b.s3.amazonaws.com/k?x-amz-security-token={CANARY}",
    f"https://b.s3.amazonaws.com/k?AWSAccessKeyId={CANARY}&Signature={CANARY}",
    f"https://storage.googleapis.com/b/k?X-Goog-Signature={CANARY}",
    f"https://b.blob.core.windows.net/k?sv=1&sig={CANARY}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_redacted_and_stays_so(text: str) -> None:
    for clean in (clean_text, clean_line):
        assert CANARY not in clean(text)
        assert "***" in clean(text)
        assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize("text", [AWS_KEY, AWS_KEY.replace("AKIA", "ASIA"), JWT])
def test_a_key_is_known_by_its_form(text: str) -> None:
    assert clean_line(f"refused: {text}.") == "refused: ***."


def test_what_cannot_be_stored_is_removed_or_spelled_out() -> None:
    assert clean_text("a\0b\x1b[31m\x7f\x85c\ud800\td\n") == "ab[31mc\\ud800\td\n"


def test_what_helps_to_find_the_error_is_kept() -> None:
    for text in [
        "postgresql://app@db.example:5432/app",
        "https://example.org:8080/a?page=2",
        "max_tokens: 4096",
        "task-0123456789abcdef0123 failed",
        "KeyError: 'spot'",
        "risk-free-rate-of-interest is negative",
        "10:30 @ noon",
    ]:
        assert clean_line(text) == text
    assert clean_line(SECRETS[0]) == "could not connect to postgresql://app:***@db.example/app"


ROWS = [
    f"duplicate key\nDETAIL:  Key (name)=({CANARY}) already exists.",
    f"duplicate key\nDETAIL:  Key (name)=(two\nlines {CANARY}) already exists.",
    f"duplicate key\nDETAIL:  Failing row contains (1, two\n\nlines {CANARY}).\nHINT:  do not",
    f"UniqueViolation('duplicate key\\nDETAIL:  Key (name)=({CANARY}) already exists.')",
    f'bad\nCONTEXT:  COPY t, line 1, column a: "{CANARY}"',
    f"(psycopg.X) no\nDETAIL:  Key (a)=({CANARY}).\n[SQL: INSERT]\n[parameters: {{'a': '{CANARY}'}}]\n",
    f"(psycopg.X) no\n[SQL: INSERT]\n[parameters: {{'a': 'two\nlines {CANARY}'}}]\n(Background on this",
    f"  | psycopg.errors.UniqueViolation: duplicate key\n  | DETAIL:  Key (a)=({CANARY}).\n",
    f"bad\0\n\0DETAIL:  Key (a)=({CANARY}).",
]


@pytest.mark.parametrize("text", ROWS)
def test_what_postgresql_tells_of_other_rows_is_dropped(text: str) -> None:
    assert CANARY not in clean_text(text)
    assert CANARY not in clean_line(text)
    assert clean_line(text)


def test_what_follows_a_detail_is_kept() -> None:
    text = "duplicate key\nDETAIL:  Key (a)=(b\nc).\nHINT:  look\n"
    assert clean_line(text) == "duplicate key HINT: look"
    chained = "X: no\nDETAIL:  Key (a)=(b).\n\nThe above exception was the direct cause of\nY: why"
    assert clean_line(chained) == "X: no The above exception was the direct cause of Y: why"


@given(texts)
def test_any_text_becomes_storable(text: str) -> None:
    for clean in (clean_text, clean_line):
        stored = clean(text)
        stored.encode()
        assert not any(character < " " and character not in "\t\n" for character in stored)
        assert not any("\x7f" <= character <= "\x9f" for character in stored)
    assert "\n" not in clean_line(text)


@given(texts)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(texts, st.integers(1, 3_000))
def test_no_text_is_longer_than_the_row_should_hold(text: str, times: int) -> None:
    assert len(clean_text(text * times)) <= TRACEBACK_LENGTH
    assert len(clean_line(text * times)) <= MESSAGE_LENGTH


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    line = clean_line("begin " + "x y " * 1_000_000 + "end")
    assert line.startswith("begin x y x")
    assert line.endswith("y x y end")
    assert len(line) == MESSAGE_LENGTH


def test_half_a_secret_is_not_left_where_a_long_text_was_cut() -> None:
    assert CANARY not in clean_text(f"token={CANARY * 20_000} end")
    assert clean_text(f"token={CANARY * 20_000} end").endswith(" end")


@pytest.mark.parametrize(
    "part",
    [
        *(
            "a",
            "a.a",
            "a://b:",
            "password",
            "password='",
            "token ",
            "DETAIL: ",
            "\nDETAIL: ",
            "\n |",
            "\\",
            "\\n",
        ),
        *("eyJaaaaaaaa.", "-----BEGIN PRIVATE KEY-----", "bearer ", "sk-", " ", "[parameters: "),
    ],
)
def test_a_text_made_to_be_slow_is_cleaned_as_well(part: str) -> None:
    assert len(clean_line(part * (200_000 // len(part)))) <= MESSAGE_LENGTH


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.sampled_from('\0\\"u0a'), max_size=8)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("\0\\u0a", max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)


def without_nul(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value


@given(json_values)
def test_json_loses_its_nul_characters_and_nothing_else(value: object) -> None:
    assert json.loads(clean_json(json.dumps(value).encode())) == without_nul(value)


def test_an_error_is_described_in_one_line_that_names_it() -> None:
    assert describe(ValueError("no such\n month")) == "ValueError: no such month"
    assert describe(KeyError("spot")) == "KeyError: 'spot'"
    assert describe(TimeoutError()) == "TimeoutError"
    assert describe(ExceptionGroup("two", [ValueError(), KeyError()])).startswith("ExceptionGroup: two")


@pytest.mark.parametrize("raised", [ValueError, RecursionError, SystemExit, KeyboardInterrupt])
def test_an_error_that_cannot_be_described_is_named(raised: type[BaseException]) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise raised

    assert describe(Mute()) == "Mute"


@given(texts)
def test_describing_never_fails(text: str) -> None:
    described = describe(Exception(text))
    assert described.startswith("Exception")
    assert len(described) <= MESSAGE_LENGTH
