"""Audit pinned versions for known vulnerabilities, or report "not audited" without a usable advisory service.

The exit code is 1 only for a vulnerability. The service is usable if it reports the known vulnerability of an old
release. A mirror without advisories does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

KNOWN_VULNERABLE = "jinja2==2.10"  # CVE-2019-10906
TIMEOUT_SECONDS = 300


def audit(requirements: Path) -> tuple[list[dict[str, object]], str]:
    """Return the dependencies of pip-audit's report, and the reason of a failure (else empty)."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "20"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return [], f"the advisory service cannot be reached (no answer within {TIMEOUT_SECONDS} s)"
    try:
        found = cast("list[dict[str, object]]", json.loads(run.stdout)["dependencies"])
    except (ValueError, KeyError):
        lines = run.stderr.strip().splitlines() or ["no answer"]
        return [], f"the advisory service cannot be reached ({lines[-1][:120]} …)"
    return found, ""


def answers(folder: Path) -> str:
    """Return why the advisory service is not usable, empty if it is."""
    canary = folder / "canary.txt"
    canary.write_text(KNOWN_VULNERABLE + "\n")
    found, reason = audit(canary)
    if reason or any(entry.get("vulns") for entry in found):
        return reason
    return f"the advisory service cannot be reached (it has no advisory for {KNOWN_VULNERABLE}, which is vulnerable)"


def report(found: list[dict[str, object]]) -> int:
    """Print the vulnerable and the skipped packages. Return the exit code."""
    vulnerable = [entry for entry in found if entry.get("vulns")]
    skipped = [entry for entry in found if entry.get("skip_reason")]
    for entry in vulnerable:
        ids = ", ".join(str(item["id"]) for item in cast("list[dict[str, object]]", entry["vulns"]))
        print(f"  {entry['name']} {entry['version']}: {ids}")
    for entry in skipped:
        not_audited(f"{entry['name']}: {entry['skip_reason']}")
    print(f"pip-audit: {len(found) - len(skipped)} packages audited, {len(vulnerable)} vulnerable")
    return 1 if vulnerable else 0


def not_audited(reason: str) -> None:
    """Print the reason, and add it to the list of skips of .ci/run."""
    print(f"pip-audit: not audited: {reason}")
    if skips := os.environ.get("SKIPS_FILE"):
        with Path(skips).open("a", encoding="utf-8") as file:
            file.write(f"dependency audit: not audited: {reason}\n")


def main(requirements: str) -> int:
    """Audit a requirements file. Return 1 for a vulnerability, else 0."""
    with tempfile.TemporaryDirectory() as folder:
        reason = answers(Path(folder))
    if not reason:
        found, reason = audit(Path(requirements))
        if not reason:
            return report(found)
    not_audited(reason)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
