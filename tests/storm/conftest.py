"""What the tests of planted bugs need: a worker, its journal and its table, as the engine's tests."""

from tests.worker.conftest import gate, journal, start_worker, table

__all__ = ["gate", "journal", "start_worker", "table"]
