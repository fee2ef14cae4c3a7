"""What npm installs for a package of the tests, kept between runs, where Node and npm are there."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[1]
INSTALLED_FROM = ("package.json", "package-lock.json", ".npmrc")
NODE_IS_THERE: Final = bool(shutil.which("node") and shutil.which("npm"))


def npm_installed(source: Path) -> Path:
    """A folder with what npm installs for a package, kept for as long as its lock file stays the same."""
    lock = b"".join((source / name).read_bytes() for name in INSTALLED_FROM)
    target = ROOT / ".state" / f"{source.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "installing").open("w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)
        if not (target / "installed").exists():
            for name in INSTALLED_FROM:
                shutil.copy(source / name, target)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
            done = subprocess.run(command, cwd=target, text=True, capture_output=True)
            assert done.returncode == 0, done.stdout + done.stderr
            (target / "installed").touch()
    return target
