"""Run a Grafana that the user has installed: provisioning files with loopback addresses, and its process.

Grafana cannot be built from Go modules, and this program downloads no Grafana. Without one on the path, the written
folder is ready for any Grafana of the version in `.env`.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from monitoring.native.parts import GRAFANA, Part, Run, running_parts
from monitoring.native.places import Places

PORT: Final = 3000
_IMAGE_FOLDER: Final = "/etc/grafana/dashboards"
SECRET: Final = "grafana-admin-password"  # noqa: S105  (name of a file)


def described() -> Part:
    """Return Grafana with its port and health page, for commands that find or stop it."""
    return _part((), {})


def grafana_part(program: str, places: Places) -> Part:
    """Return Grafana as a part that `up` can start.

    Args:
        program: Path of the user's `grafana` program.
        places: Folders and addresses. `write_provisioning` must have written the folder.
    """
    folder = provisioning_folder(places)
    secret = places.repository / "monitoring" / "secrets" / SECRET
    own = {
        "GF_PATHS_DATA": "{data}",
        "GF_PATHS_PLUGINS": "{data}/plugins",
        "GF_PATHS_LOGS": "{data}/log",
        "GF_PATHS_PROVISIONING": _literal(folder / "provisioning"),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(PORT + places.port_offset),
        # Grafana reads the file itself, so that the password is not in the environment.
        "GF_SECURITY_ADMIN_PASSWORD": _literal(f"$__file{{{secret}}}"),
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL": "victoriametrics-logs-datasource@0.30.1",
        "GF_PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
    }
    home = Path(program).resolve().parents[1]
    words = (_literal(program), "server", *(("--homepath", _literal(home)) if (home / "conf").is_dir() else ()))
    return _part(words, own)


def installed_grafana() -> str | None:
    """Return the path of the user's `grafana` program, or None."""
    return shutil.which("grafana")


def provisioning_folder(places: Places) -> Path:
    """Return the folder with the provisioning files and dashboards of the native stack."""
    return places.folder(GRAFANA) / "config"


def write_provisioning(places: Places) -> Path:
    """Copy provisioning files and dashboards, with loopback addresses in place of service names. Return the folder."""
    source = places.repository / "monitoring" / "grafana"
    target = provisioning_folder(places)
    for name in ("provisioning", "dashboards"):
        shutil.rmtree(target / name, ignore_errors=True)
        shutil.copytree(source / name, target / name)
    addresses = _addresses(places)
    service = re.compile(r"http://(" + "|".join(re.escape(name) for name in addresses) + r")\b(?![/-])")
    for file in (target / "provisioning").rglob("*.y*ml"):
        text = service.sub(lambda found: f"http://{addresses[found[1]]}", file.read_text(encoding="utf-8"))
        file.write_text(text.replace(_IMAGE_FOLDER, str(target / "dashboards")), encoding="utf-8")
    return target


def _addresses(places: Places) -> dict[str, str]:
    """Return the loopback address by `service:port` of the compose file."""
    return {
        f"{part.service}:{number}": places.address(part, name)
        for part in running_parts()
        if part.run and part.service
        for name, number in part.run.ports.items()
    }


def _part(argv: tuple[str, ...], environment: dict[str, str]) -> Part:
    run = Run(ports={"http": PORT}, health=("http", "/api/health"), argv=argv, environment=environment)
    return replace(GRAFANA, run=run)


def _literal(value: object) -> str:
    """Return a template that is filled to `value`."""
    return str(value).replace("{", "{{").replace("}", "}}")
