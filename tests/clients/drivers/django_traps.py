"""What the page of Django warns of; a line `name=value` each."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

importlib.import_module("python_driver").set_django_up(sys.argv[-1])

from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, models  # noqa: E402
from django.db.models.functions import Now  # noqa: E402


def inspected() -> Any:
    written = io.StringIO()
    call_command("inspectdb", "jobs", stdout=written)
    module: dict[str, Any] = {"__name__": "people.inspected"}
    exec(written.getvalue().replace("class Jobs(", "class Inspected("), module)
    return module["Inspected"]


def dated(name: str, run_at: Any) -> Any:
    meta = type("Meta", (), {"app_label": "people", "managed": False, "db_table": "jobs"})
    columns = {"type": models.TextField(), "payload": models.JSONField(), "run_at": run_at}
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **columns})


def tell(name: str, model: Any) -> None:
    try:
        answer: Any = model.objects.create(type="nobody_serves_this", payload={}).pk is not None
    except DatabaseError as refused:
        answer = str(refused).splitlines()[0]
    sys.stdout.write(f"{name}={answer}\n")


tell("inspected", inspected())
tell("dated", dated("Dated", models.DateTimeField(db_column="runAt", db_default=Now())))
tell("undated", dated("Undated", models.DateTimeField(db_column="runAt")))
