"""`rowcrew accounts`: accounts come and go, their secrets are never on a command line nor on a screen."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
from pathlib import Path

import pytest

from rowcrew.bundled.costs.keys import key_of
from rowcrew.cli import main
from tests.bundled.costs.conftest import DAY, KEY, SECRET, Site

OLD_KEY, NEW_KEY = KEY, "09" * 32
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", site.url)
    monkeypatch.setenv("COLUMNS", "80")


def listed(capsys: Capture) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert main(["accounts", "list", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def add_from(text: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    return main(["accounts", "add", *words, "--credentials", "-"])


def opens(site: Site, account: str) -> bool:
    """Whether the account's costs can be collected."""
    return account not in [one["accountId"] for one in site.collect().result["failed"]]


def test_an_account_comes_from_a_file_standard_input_or_the_environment_and_is_collected(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    site.bill.let_in("x", "AKIA1", SECRET)
    text = f"aws_access_key_id = AKIA1\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "key").write_text(text)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert main(["accounts", "add", "of-file", "--credentials", str(tmp_path / "key")]) == 0
    assert add_from(text, monkeypatch, "of-stdin") == 0
    assert main(["accounts", "add", "of-env", "--from-env"]) == 0
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err
    assert site.collect().result["succeeded"] == 3


def test_a_person_at_a_terminal_is_asked_and_the_secret_is_not_echoed(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    site.bill.let_in("x", "AKIA1", SECRET)
    monkeypatch.setattr("builtins.input", lambda prompt: "AKIA1")
    monkeypatch.setattr("rowcrew.cli.accounts.getpass", lambda prompt: SECRET)
    person, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["accounts", "add", "asked"]) == 0
    os.close(person)
    assert SECRET not in capsys.readouterr().out
    assert opens(site, "asked")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["prod"], "give --credentials FILE"),
        (["prod", "--credentials", "-", "--from-env"], "not both"),
        (["prod", "--from-env"], "not both are set"),
        (["no such name", "--from-env"], "cannot be the name"),
        (["prod", "--role-arn", "role/costs"], "is no role"),
        (["prod", "--external-id", "x"], "goes with --role-arn"),
    ],
)
def test_what_makes_no_sense_is_told(
    words: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["accounts", "add", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys: Capture) -> None:
    assert main(["accounts", "add", "prod", "--credentials", "gone.json"]) == 1
    assert capsys.readouterr().err == "rowcrew: gone.json: No such file or directory\n"


def test_no_option_takes_a_secret(capsys: Capture) -> None:
    assert main(["accounts", "add", "prod", "--secret-access-key", SECRET]) == 2
    assert SECRET not in capsys.readouterr().out


def test_without_a_key_nothing_is_stored(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("ENCRYPTION_KEY")
    assert add_from(f"accessKeyId=AKIA1\nsecretAccessKey={SECRET}", monkeypatch, "prod") == 2
    assert "ENCRYPTION_KEY is not set" in capsys.readouterr().err
    assert site.rows('SELECT 1 FROM "cloudAccounts"') == []


def test_a_role_alone_needs_no_key(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.delenv("ENCRYPTION_KEY")
    arn = "arn:aws:iam::123456789012:role/path/costs"
    assert main(["accounts", "add", "prod", "--role-arn", arn, "--external-id", "x"]) == 0
    row = listed(capsys)["prod"]
    assert (row["roleArn"], row["externalId"], row["keyId"], row["active"]) == (arn, "x", None, True)
    assert "credentials" not in row


def test_an_account_is_added_once_and_replaced_on_purpose(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    text = f"accessKeyId=AKIA1\nsecretAccessKey={SECRET}"
    assert add_from(text, monkeypatch, "prod", "--replace") == 1
    assert "there is no account prod" in capsys.readouterr().err
    assert add_from(text, monkeypatch, "prod") == 0
    assert main(["accounts", "disable", "prod"]) == 0
    assert add_from(text, monkeypatch, "prod") == 1
    assert "there is an account prod already" in capsys.readouterr().err
    assert not listed(capsys)["prod"]["active"]
    assert add_from(text, monkeypatch, "prod", "--replace") == 0
    assert listed(capsys)["prod"]["active"]
    assert main(["accounts", "disable", "nobody"]) == 1


def test_the_list_tells_how_accounts_fare_in_80_columns(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert main(["accounts", "list"]) == 0
    assert "There are no accounts yet" in capsys.readouterr().err
    site.add("good")
    site.add("wrong", secret="another")
    site.add("of-another-key")
    site.connection.execute("""UPDATE "cloudAccounts" SET "keyId" = '0123' WHERE id = 'of-another-key'""")
    site.collect()
    assert main(["accounts", "list"]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert [line.split()[0:6:1][4] for line in told.splitlines() if line[0] != " "][1:] == [
        "current",
        "unknown",
        "current",
    ]
    assert "AWS answers 403 InvalidSignatureException" in told


def test_keys_are_rotated_while_workers_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for account in ("a", "b", "lost"):
        site.add(account)
    site.connection.execute("""UPDATE "cloudAccounts" SET "keyId" = '0123' WHERE id = 'lost'""")
    monkeypatch.setenv("ENCRYPTION_KEY", NEW_KEY)
    assert not opens_any(site)
    monkeypatch.setenv("ENCRYPTION_KEY_PREVIOUS", OLD_KEY)
    assert opens(site, "a")
    assert main(["accounts", "rotate-key", "--json"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "resealed": ["a", "b"],
        "current": [],
        "unopened": ["lost"],
    }
    monkeypatch.delenv("ENCRYPTION_KEY_PREVIOUS")
    assert opens(site, "a")
    assert opens(site, "b")
    site.connection.execute("""DELETE FROM costs; DELETE FROM "cloudAccounts" WHERE id = 'lost'""")
    assert main(["accounts", "rotate-key"]) == 0
    assert "0 accounts sealed anew, 2 had the current key" in capsys.readouterr().out


def test_what_claims_to_have_a_key_and_does_not_open_stays_as_it_is(site: Site, capsys: Capture) -> None:
    site.add("a")
    site.add("b")
    site.connection.execute(
        """UPDATE "cloudAccounts" SET credentials = (SELECT credentials FROM "cloudAccounts" WHERE id = 'a')
            WHERE id = 'b'"""
    )
    before = site.rows('SELECT id, credentials FROM "cloudAccounts" ORDER BY id')
    assert main(["accounts", "rotate-key"]) == 1
    assert "b: no key that is set opens its credentials" in capsys.readouterr().out
    assert site.rows('SELECT id, credentials FROM "cloudAccounts" ORDER BY id') == before
    assert not opens(site, "b")


def opens_any(site: Site) -> bool:
    run = site.collect(DAY)
    return "no account could be collected" not in repr(run.outcome)


@pytest.mark.parametrize("key", [None, NEW_KEY])
def test_the_doctor_names_the_account_the_key_id_and_the_variable_but_no_key(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture, key: str | None
) -> None:
    add_from(f"aws_access_key_id = AKIA1\naws_secret_access_key = {SECRET}\n", monkeypatch, "sealed")
    assert doctors_lines(capsys) == []
    monkeypatch.delenv("ENCRYPTION_KEY")
    if key is not None:
        monkeypatch.setenv("ENCRYPTION_KEY", key)
    [line] = doctors_lines(capsys)
    assert line["result"] == "warning"
    for named in ("sealed", key_of(OLD_KEY).id, "ENCRYPTION_KEY_PREVIOUS"):
        assert named in json.dumps(line)
    for hidden in (OLD_KEY, NEW_KEY, SECRET):
        assert hidden not in json.dumps(line)


def test_the_doctor_is_content_with_a_previous_key_and_with_disabled_accounts(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    add_from(f"aws_access_key_id = AKIA1\naws_secret_access_key = {SECRET}\n", monkeypatch, "sealed")
    monkeypatch.setenv("ENCRYPTION_KEY", NEW_KEY)
    monkeypatch.setenv("ENCRYPTION_KEY_PREVIOUS", OLD_KEY)
    assert doctors_lines(capsys) == []
    monkeypatch.delenv("ENCRYPTION_KEY_PREVIOUS")
    assert len(doctors_lines(capsys)) == 1
    assert main(["accounts", "disable", "sealed"]) == 0
    assert doctors_lines(capsys) == []


def doctors_lines(capsys: Capture) -> list[dict[str, object]]:
    """What the doctor says of the family costs."""
    capsys.readouterr()
    main(["doctor", "--json"])
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in lines if line["name"] == "family costs"]
