"""The settings of investigations: the servers that speak for models, and the database that SQL may read."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import ClassVar, Final, NamedTuple

from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.readers import Secret
from rowcrew.settings.variables import Variable

_MILLION: Final = 1_000_000
_HIGHEST: Final = 100_000


class Prices(NamedTuple):
    """US dollars for a million tokens, read and written."""

    million_in: Decimal
    million_out: Decimal

    def __str__(self) -> str:
        return f"{self.million_in}/{self.million_out}"

    def of(self, tokens_in: int, tokens_out: int) -> Decimal:
        """What so many tokens cost."""
        return (tokens_in * self.million_in + tokens_out * self.million_out) / _MILLION


FREE: Final = Prices(Decimal(0), Decimal(0))
DEAREST: Final = Prices(Decimal(15), Decimal(75))


def _prices(value: str) -> Prices:
    try:
        found = Prices(*(Decimal(part.strip()) for part in value.split("/")))
        if all(0 <= each <= _HIGHEST for each in found):
            return found
    except (InvalidOperation, TypeError):
        pass
    raise ValueError("give US dollars for a million tokens read and written, such as 3/15")


def _address(value: str) -> Secret:
    return Secret(readers.address(value))


class InvestigationSettings(FamilySettings, frozen=True, kw_only=True):
    """Servers of models with what they cost, and the database that `sql_readonly` reads."""

    anthropic_url: str = "https://api.anthropic.com"
    anthropic_key: Secret | None = None
    anthropic_model: str | None = None
    anthropic_prices: Prices = DEAREST
    openai_url: str = "https://api.openai.com/v1"
    openai_key: Secret | None = None
    openai_model: str | None = None
    openai_prices: Prices = DEAREST
    database_url: Secret | None = None

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("ANTHROPIC_BASE_URL",),
            "anthropic_url",
            readers.endpoint,
            "https://api.anthropic.com",
            "where the provider `anthropic` of investigations asks",
        ),
        Variable(
            ("ANTHROPIC_API_KEY",),
            "anthropic_key",
            readers.Secret,
            "unset",
            "what it shows that server",
            is_secret=True,
        ),
        Variable(
            ("ANTHROPIC_MODEL",),
            "anthropic_model",
            readers.text,
            "unset",
            "the model that it asks",
        ),
        Variable(
            ("ANTHROPIC_PRICES",),
            "anthropic_prices",
            _prices,
            "15/75",
            "US dollars for a million tokens read and written; too high by default, so that budgets hold",
        ),
        Variable(
            ("OPENAI_BASE_URL",),
            "openai_url",
            readers.endpoint,
            "https://api.openai.com/v1",
            "where the provider `openai-compatible` of investigations asks",
        ),
        Variable(
            ("OPENAI_API_KEY",),
            "openai_key",
            readers.Secret,
            "unset",
            "what it shows that server; a server of your own may need none",
            is_secret=True,
        ),
        Variable(
            ("OPENAI_MODEL",),
            "openai_model",
            readers.text,
            "unset",
            "the model that it asks",
        ),
        Variable(
            ("OPENAI_PRICES",),
            "openai_prices",
            _prices,
            "15/75",
            "US dollars for a million tokens read and written; 0/0 for a server of your own",
        ),
        Variable(
            ("INVESTIGATION_DATABASE_URL",),
            "database_url",
            _address,
            "unset",
            "the database that `sql_readonly` reads, with a role that may read what a model may see",
            is_secret=True,
        ),
    )
