"""Secrets of the stack as files: made once, never overwritten, never printed.

The folder has mode 0700 and the files 0644. A container's user, which is not the owner, can read a file through its
bind mount: the engine opens the path as root, and inside the container only the mode of the file counts. Other users of
this machine cannot pass the folder. Mode 0600 would hide a file from Grafana (user 472) and Alertmanager (user 65534).
"""

from __future__ import annotations

import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitoring.native.places import StackError
from monitoring.native.storage import storing

NAMES: Final = ("grafana-admin-password", "alertmanager-webhook-token")
MARKER: Final = "made-by-make-observability-init.env"
"""The compose file requires this file, so that Docker names the missing command instead of a missing mount."""

_MARKER_TEXT: Final = "# docker-compose.monitoring.yml requires this file: it exists once the secrets are made.\n"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o644
_RANDOM_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class SecretFile:
    """One secret after `make_secrets`."""

    path: Path
    made: bool
    """False if the file existed and was kept."""


def secrets_folder(repository: Path) -> Path:
    """Return the folder of the secrets, which Git ignores."""
    return repository / "monitoring" / "secrets"


def make_secrets(repository: Path) -> list[SecretFile]:
    """Create each missing secret with 192 random bits. Existing files keep their value.

    Raises:
        StackError: The folder is not writable, or an existing secret is empty or not a file.
    """
    folder = secrets_folder(repository)
    with storing(folder, "make the repository writable for this user"):
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        folder.chmod(_FOLDER_MODE)
        found = [_make_one(folder / name) for name in NAMES]
        (folder / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
        (folder / MARKER).chmod(_FILE_MODE)
    return found


def secret_problems(repository: Path) -> list[str]:
    """Return what is wrong with the secrets, each with its fix; empty if all are usable."""
    folder = secrets_folder(repository)
    problems = [problem for name in NAMES if (problem := _problem(folder / name))]
    if not problems and not (folder / MARKER).is_file():
        problems.append(f"{folder / MARKER}: it is missing. Run `make observability-init`.")
    if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        problems.append(f"{folder}: other users can open it. Run `chmod 700 {folder}`.")
    return problems


def _make_one(path: Path) -> SecretFile:
    if path.exists() or path.is_symlink():
        problem = _problem(path)
        if problem:
            raise StackError(problem)
        return SecretFile(path, made=False)
    draft = path.with_suffix(".draft")
    draft.write_text(secrets.token_urlsafe(_RANDOM_BYTES), encoding="ascii")
    draft.chmod(_FILE_MODE)
    draft.rename(path)
    return SecretFile(path, made=True)


def _problem(path: Path) -> str:
    if not path.exists():
        return f"{path}: the secret is missing. Run `make observability-init`."
    if not path.is_file():
        return f"{path}: it is not a file. Remove it, then run `make observability-init`."
    value = path.read_bytes()
    if not value.strip():
        return f"{path}: the file is empty. Remove it, then run `make observability-init`."
    if value != value.strip():
        return f"{path}: there are spaces or line ends around the value. Remove them: programs would send them."
    if not path.stat().st_mode & stat.S_IROTH:
        return f"{path}: the users of the containers cannot read it. Run `chmod 644 {path}`."
    return ""
