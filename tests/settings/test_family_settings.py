"""Settings of families: read as the queue's are, and complained about together with them."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rowcrew.bundled.announcements.settings import AnnouncementSettings
from rowcrew.bundled.costs.keys import Key
from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.bundled.csv_import.settings import CsvImportSettings
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.bundled.investigation.settings import InvestigationSettings, Prices
from rowcrew.bundled.retrieval.settings import RetrievalSettings
from rowcrew.cli import main
from rowcrew.family import installed, variables
from rowcrew.model.errors import SettingsError
from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.variables import VARIABLES, Variable

READ: list[tuple[type[FamilySettings], str, str, str, Any]] = [
    (FileSettings, "STORED_FILE_TTL", "90d", "keep_seconds", 7_776_000),
    (FileSettings, "ROWCREW_DATA_DIR", "/data", "data_directory", Path("/data")),
    (
        FileSettings,
        "URL_ALLOW_PRIVATE",
        "10.0.0.0/8, ::1",
        "url_allow_private",
        (ip_network("10.0.0.0/8"), ip_network("::1")),
    ),
    (FileSettings, "S3_BUCKET_NAME", "files", "s3_bucket_name", "files"),
    (FileSettings, "AWS_ACCESS_KEY_ID", "AKIAX", "aws_access_key_id", "AKIAX"),
    (FileSettings, "AWS_SECRET_ACCESS_KEY", "hunter2", "aws_secret_access_key", "hunter2"),
    (FileSettings, "AWS_REGION", "eu-west-1", "aws_region", "eu-west-1"),
    (FileSettings, "AWS_ENDPOINT_URL", "http://minio:9000", "aws_endpoint_url", "http://minio:9000"),
    (
        CsvImportSettings,
        "CSV_IMPORT_TABLES",
        "transactions,app.rates",
        "tables",
        ("transactions", "app.rates"),
    ),
    (CostSettings, "ENCRYPTION_KEY", "07" * 32, "key", Key(b"\x07" * 32)),
    (
        CostSettings,
        "ENCRYPTION_KEY_PREVIOUS",
        f"{'07' * 32}, {'08' * 32}",
        "previous_keys",
        (Key(b"\x07" * 32), Key(b"\x08" * 32)),
    ),
    (CostSettings, "COST_ANOMALY_PERCENT", "12.5%", "threshold_percent", Decimal("12.5")),
    (CostSettings, "COST_ANOMALY_HISTORY", "14", "history_days", 14),
    (CostSettings, "COST_ANOMALY_BASELINE", "weekday", "baseline", "weekday"),
    (CostSettings, "COST_CREDITS", "excluded", "credits", "excluded"),
    (CostSettings, "AWS_ENDPOINT_URL_COST_EXPLORER", "http://ce:1", "cost_explorer_url", "http://ce:1"),
    (CostSettings, "AWS_ENDPOINT_URL_STS", "http://sts:1", "sts_url", "http://sts:1"),
    (AnnouncementSettings, "SUPABASE_DB_URL", "postgresql://a@b/c", "database_url", "postgresql://a@b/c"),
    (AnnouncementSettings, "ANNOUNCEMENT_ATTACHMENTS", "filings", "attachments", "filings"),
    (AnnouncementSettings, "ANNOUNCEMENT_MODEL_URL", "http://m:1/v1", "model_url", "http://m:1/v1"),
    (AnnouncementSettings, "ANNOUNCEMENT_MODEL", "reader", "model", "reader"),
    (AnnouncementSettings, "ANNOUNCEMENT_MODEL_API_KEY", "hunter2", "model_key", "hunter2"),
    (RetrievalSettings, "EMBEDDINGS_URL", "http://e:1/v1", "embeddings_url", "http://e:1/v1"),
    (RetrievalSettings, "EMBEDDINGS_MODEL", "small", "embeddings_model", "small"),
    (RetrievalSettings, "EMBEDDINGS_API_KEY", "hunter2", "embeddings_api_key", "hunter2"),
    (RetrievalSettings, "EMBEDDINGS_DIMENSIONS", "256", "embeddings_dimensions", 256),
    (InvestigationSettings, "ANTHROPIC_BASE_URL", "http://a:1", "anthropic_url", "http://a:1"),
    (InvestigationSettings, "ANTHROPIC_API_KEY", "hunter2", "anthropic_key", "hunter2"),
    (InvestigationSettings, "ANTHROPIC_MODEL", "large", "anthropic_model", "large"),
    (
        InvestigationSettings,
        "ANTHROPIC_PRICES",
        "3 / 15",
        "anthropic_prices",
        Prices(Decimal(3), Decimal(15)),
    ),
    (InvestigationSettings, "OPENAI_BASE_URL", "http://o:1/v1", "openai_url", "http://o:1/v1"),
    (InvestigationSettings, "OPENAI_API_KEY", "hunter2", "openai_key", "hunter2"),
    (InvestigationSettings, "OPENAI_MODEL", "small", "openai_model", "small"),
    (InvestigationSettings, "OPENAI_PRICES", "0/0", "openai_prices", Prices(Decimal(0), Decimal(0))),
    (
        InvestigationSettings,
        "INVESTIGATION_DATABASE_URL",
        "postgresql://r:hunter2@h/d",
        "database_url",
        "postgresql://r:hunter2@h/d",
    ),
]


class AcmeSettings(FamilySettings, frozen=True, kw_only=True):
    """What a family that needs a setting declares."""

    api_url: str
    retries: int = 3

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("ACME_URL",), "api_url", readers.endpoint, "required", "where Acme listens", is_required=True
        ),
        Variable(("ACME_RETRIES",), "retries", readers.count, "3", "how often Acme is asked"),
    )


@pytest.mark.parametrize(("kind", "name", "text", "field", "value"), READ)
def test_a_variable_fills_its_field(
    kind: type[FamilySettings], name: str, text: str, field: str, value: Any
) -> None:
    assert getattr(kind.read({name: f" {text} "}), field) == value


def test_every_variable_of_a_bundled_family_is_read_in_this_table_and_fills_a_field_of_its_own() -> None:
    assert [name for _, name, *_ in READ] == [name for variable in variables() for name in variable.names]
    for family in installed():
        fields = {variable.field for variable in family.settings.variables}
        assert fields == set(family.settings.__struct_fields__)


def test_no_two_variables_have_one_name() -> None:
    names = [name for variable in (*VARIABLES, *variables()) for name in variable.names]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "text", "remedy"),
    [
        ("STORED_FILE_TTL", "0", "give seconds above zero"),
        ("STORED_FILE_TTL", "36501d", "give at most 36500d"),
        ("URL_ALLOW_PRIVATE", "intranet", "give"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_a_remedy(name: str, text: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as refused:
        FileSettings.read({name: text})
    (complaint,) = refused.value.complaints
    assert complaint.startswith(f"{name}={text!r}: ")
    assert remedy in complaint


def test_settings_that_are_shown_keep_the_secret_key() -> None:
    assert "hunter2" not in repr(FileSettings.read({"AWS_SECRET_ACCESS_KEY": "hunter2"}))


def test_a_required_variable_is_missed_by_name_and_meaning_together_with_the_others() -> None:
    with pytest.raises(SettingsError) as refused:
        AcmeSettings.read({"ACME_RETRIES": "often"})
    missed, unread = refused.value.complaints
    assert missed == "ACME_URL is not set: where Acme listens"
    assert unread.startswith("ACME_RETRIES='often': ")
    assert AcmeSettings.complaints({"ACME_RETRIES": "often"}) == [missed, unread]
    assert AcmeSettings.complaints({"ACME_RETRIES": "often"}, missing=False) == [unread]
    assert AcmeSettings.complaints({"ACME_URL": "https://acme"}) == []


def test_values_that_make_no_sense_together_are_told() -> None:
    (complaint,) = FileSettings.complaints({"AWS_ACCESS_KEY_ID": "AKIAX"})
    assert "only one of them is set" in complaint


def test_a_worker_tells_the_complaints_of_the_queue_and_of_families_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("POLL_INTERVAL", "STORED_FILE_TTL", "URL_ALLOW_PRIVATE"):
        monkeypatch.setenv(name, "never")
    assert main(["worker"]) == 2
    told = capsys.readouterr().err
    assert all(
        f"{name}='never'" in told for name in ("POLL_INTERVAL", "STORED_FILE_TTL", "URL_ALLOW_PRIVATE")
    )
