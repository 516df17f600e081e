"""Secrets of the stack: made once, readable through a mount, closed to other users."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from monitoring.control.secret_files import MARKER, NAMES, make_secrets, secret_problems
from monitoring.native.places import REPOSITORY, StackError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "monitoring").mkdir()
    return tmp_path


def values(repository: Path) -> list[str]:
    return [(repository / "monitoring" / "secrets" / name).read_text(encoding="ascii") for name in NAMES]


def test_secrets_are_random_and_have_no_line_end(repository: Path) -> None:
    assert [secret.made for secret in make_secrets(repository)] == [True, True]
    first = values(repository)
    assert len(set(first)) == len(NAMES)
    assert all(len(value) == 32 and value.isascii() and value == value.strip() for value in first)
    assert secret_problems(repository) == []


def test_existing_secrets_are_kept(repository: Path) -> None:
    make_secrets(repository)
    first = values(repository)
    (repository / "monitoring" / "secrets" / NAMES[1]).write_text("chosen-by-the-operator", encoding="ascii")
    assert [secret.made for secret in make_secrets(repository)] == [False, False]
    assert values(repository) == [first[0], "chosen-by-the-operator"]


def test_the_folder_is_closed_and_the_files_are_readable_through_a_mount(repository: Path) -> None:
    make_secrets(repository)
    folder = repository / "monitoring" / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    assert {path.name for path in folder.iterdir()} == {*NAMES, MARKER}


def test_a_folder_with_a_wider_mode_is_closed_again(repository: Path) -> None:
    make_secrets(repository)
    folder = repository / "monitoring" / "secrets"
    folder.chmod(0o755)
    assert secret_problems(repository) == [f"{folder}: other users can open it. Run `chmod 700 {folder}`."]
    make_secrets(repository)
    assert secret_problems(repository) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "the file is empty. Remove it"), ("secret\n", "there are spaces or line ends around the value. Remove them")],
)
def test_an_unusable_secret_is_reported_and_not_replaced(repository: Path, content: str, reason: str) -> None:
    make_secrets(repository)
    path = repository / "monitoring" / "secrets" / NAMES[0]
    path.write_text(content, encoding="ascii")
    with pytest.raises(StackError, match=reason):
        make_secrets(repository)
    assert path.read_text(encoding="ascii") == content


def test_missing_secrets_are_named_with_the_command(repository: Path) -> None:
    problems = secret_problems(repository)
    assert len(problems) == len(NAMES)
    assert all(problem.endswith("the secret is missing. Run `make observability-init`.") for problem in problems)


def test_a_file_that_containers_cannot_read_is_reported(repository: Path) -> None:
    make_secrets(repository)
    path = repository / "monitoring" / "secrets" / NAMES[0]
    path.chmod(0o600)
    assert secret_problems(repository) == [
        f"{path}: the users of the containers cannot read it. Run `chmod 644 {path}`."
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="a bind mount and another user need the rights of root")
def test_a_container_user_reads_a_mounted_secret_and_no_other_user_does(repository: Path) -> None:
    """The engine mounts the file as root. Inside, only the mode of the file counts, as user 472 of Grafana shows."""
    make_secrets(repository)
    repository.chmod(0o755)
    secret = repository / "monitoring" / "secrets" / NAMES[0]
    script = (
        'd=$(mktemp -d) && chmod 755 "$d" && touch "$d/f" && mount --bind "$1" "$d/f" || exit 77; '
        'as="setpriv --reuid=472 --regid=0 --clear-groups"; '
        '$as cat "$d/f"; echo; $as cat "$1" 2>&1; umount "$d/f"; rm -r "$d"'
    )
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(secret)], capture_output=True, text=True, check=False
    )
    if run.returncode == 77 or "unshare" in run.stderr:
        pytest.skip(f"this machine does not allow a mount: {run.stderr.strip()}")
    mounted, direct = run.stdout.splitlines()
    assert mounted == values(repository)[0]
    assert "Permission denied" in direct


def test_git_ignores_the_secrets() -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git repository")
    for name in (*NAMES, MARKER):
        argv = ["git", "check-ignore", "--quiet", f"monitoring/secrets/{name}"]
        assert subprocess.run(argv, cwd=REPOSITORY, check=False).returncode == 0
