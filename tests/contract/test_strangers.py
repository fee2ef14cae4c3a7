"""Another program has taken one of our names in the database: one sentence, and a remedy that remedies."""

from __future__ import annotations

import json

import psycopg
import pytest

from rig.programs import run


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE TABLE jobs (id int, title text)", "jobs"),
        ("CREATE VIEW workers AS SELECT 1 AS id", "workers"),
        ("CREATE TABLE blobs (id int)", "blobs"),
        ("CREATE FUNCTION jobs_wake() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'", "function"),
    ],
)
def test_a_taken_name_is_refused_in_one_sentence_and_the_remedy_works(
    empty_url: str, statement: str, name: str
) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(statement)
        connection.execute("CREATE SCHEMA rowcrew")
    refused = run("migrate", DATABASE_URL=empty_url)
    assert refused.returncode == 1
    [sentence] = refused.stderr.splitlines()
    assert name in sentence
    assert "?schema=rowcrew" in sentence
    assert run("migrate", DATABASE_URL=f"{empty_url}&schema=rowcrew").returncode == 0


def test_the_doctor_knows_a_table_jobs_that_is_not_ours(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE jobs (id int, title text)")
    checks = [
        json.loads(line) for line in run("doctor", "--json", DATABASE_URL=empty_url).stdout.splitlines()
    ]
    [schema] = [check for check in checks if check["name"] == "schema"]
    assert schema["result"] == "failed"
    assert "not Rowcrew's" in schema["what"]
    assert "?schema=rowcrew" in schema["remedy"]
