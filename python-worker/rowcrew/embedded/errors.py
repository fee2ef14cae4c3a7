"""The one error of the private PostgreSQL."""


class EmbeddedPostgresError(RuntimeError):
    """The private PostgreSQL cannot do what was asked; the message says why and what to do."""
