"""Obeys the tests for a page in Python. In: the client's name, an address, orders by line; out: answers.

It lies in one folder with the files of the page. Orders: sign_up NAME, greet NAME, read ID, cancel ID; for a
stale save load ID, then save PAYLOAD. An answer is a line of words parted by tabs; `read` answers status,
result as JSON and error; `error: …` if something was refused.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit


class Page(Protocol):
    """What the page shows, and a whole row that is loaded and later saved."""

    def sign_up(self, name: str) -> int: ...

    def greet(self, name: str) -> int: ...

    def read(self, id: int) -> Any: ...

    def cancel(self, id: int) -> int: ...

    def load(self, id: int) -> None: ...

    def save(self, payload: Any) -> None: ...


class WithDjango:
    """`save()` writes every field."""

    def __init__(self, url: str) -> None:
        set_django_up(url)
        page = importlib.import_module("people.sign_up")
        self.sign_up, self.greet = page.sign_up, page.greet
        self.read, self.cancel = page.read, page.cancel
        self._model: Any = page.Job

    def load(self, id: int) -> None:
        self._job = self._model.objects.get(id=id)

    def save(self, payload: Any) -> None:
        self._job.payload = payload
        self._job.save()


def set_django_up(url: str) -> None:
    import django
    from django.conf import settings

    address = urlsplit(url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path[1:],
        "USER": unquote(address.username or ""),
        "PASSWORD": unquote(address.password or ""),
        "HOST": address.hostname,
        "PORT": address.port,
        "DISABLE_SERVER_SIDE_CURSORS": "POOLED" in os.environ,
    }
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=["people"], USE_TZ=True)
    django.setup()


class WithSqlAlchemy:
    """`merge()` of an object from another session writes every column that differs."""

    def __init__(self, url: str) -> None:
        from sqlalchemy import create_engine

        options: dict[str, Any] = {"prepare_threshold": None} if "POOLED" in os.environ else {}
        self._engine = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://"), connect_args=options
        )
        self._page: Any = importlib.import_module("people")

    def sign_up(self, name: str) -> int:
        return int(self._page.sign_up(self._engine, name))

    def greet(self, name: str) -> int:
        return int(self._page.greet(self._engine, name))

    def read(self, id: int) -> Any:
        return self._page.read(self._engine, id)

    def cancel(self, id: int) -> int:
        return int(self._page.cancel(self._engine, id))

    def load(self, id: int) -> None:
        with self._page.Session(self._engine) as session:
            self._job = session.get_one(self._page.Job, id)
            session.expunge(self._job)

    def save(self, payload: Any) -> None:
        self._job.payload = payload
        with self._page.Session(self._engine) as session, session.begin():
            session.merge(self._job)


PAGES: dict[str, Callable[[str], Page]] = {"django": WithDjango, "sqlalchemy": WithSqlAlchemy}


def obey(page: Page, order: str, value: str) -> str:
    match order:
        case "sign_up":
            return str(page.sign_up(value))
        case "greet":
            return str(page.greet(value))
        case "cancel":
            return str(page.cancel(int(value)))
        case "load":
            page.load(int(value))
            return "loaded"
        case "save":
            page.save(json.loads(value))
            return "saved"
    job = page.read(int(value))
    result = "" if job.result is None else json.dumps(job.result)
    return f"{job.status}\t{result}\t{job.error_message or ''}"


def main(name: str, url: str) -> None:
    page = PAGES[name](url)
    for line in sys.stdin:
        order, _, value = line.rstrip("\n").partition(" ")
        try:
            answer = obey(page, order, value)
        except Exception as error:
            answer = f"error: {error}".splitlines()[0]
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
