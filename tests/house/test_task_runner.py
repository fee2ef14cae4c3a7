"""`./dev` says what it can do, and what to do where it cannot."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script as a module, working in an empty place."""
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec is not None
    dev = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(dev)
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "STAMP", tmp_path / ".venv" / "installed-locks")
    return dev


def test_the_script_can_be_executed() -> None:
    assert os.access(ROOT / "dev", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["--help"], 0), (["nonsense"], 2)])
def test_without_a_known_task_it_lists_the_tasks(arguments: list[str], code: int) -> None:
    ended = subprocess.run([sys.executable, ROOT / "dev", *arguments], capture_output=True, text=True)
    assert ended.returncode == code
    for task in ("demo", "test", "lint", "fmt", "bench", "storm", "lock"):
        assert f"  {task}" in ended.stderr


def test_where_no_environment_can_be_made_it_names_the_remedy(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(dev.Remedy, match="apt install python3-venv"):
        dev.make_venv()


def test_an_environment_that_matches_the_locks_is_left_alone(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.VENV.mkdir()
    dev.STAMP.write_text(dev.fingerprint())
    monkeypatch.setattr(dev, "run", lambda *command, **environment: pytest.fail(f"ran {command}"))
    dev.make_environment()


def test_a_changed_lock_makes_another_fingerprint(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = dev.fingerprint()
    changed = tmp_path / "dev.txt"
    changed.write_bytes((ROOT / "requirements" / "dev.txt").read_bytes() + b"\n")
    monkeypatch.setattr(dev, "DEVELOPMENT_LOCK", changed)
    assert dev.fingerprint() != before
