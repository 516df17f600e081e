"""Pictures of dashboards: values with units, data of a real HTTP server, and valid SVG."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest

from monitoring.native.places import REPOSITORY
from monitoring.pictures.data import Panel, read
from monitoring.pictures.drawing import svg
from monitoring.pictures.values import shown
from monitoring.tester.catalogue.files import Files


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "short", "0"),
        (12.34, "reqps", "12.3 req/s"),
        (1234, "ops", "1.23 k/s"),
        (0.1234, "percentunit", "12.3 %"),
        (1500, "ms", "1.5 s"),
        (0.0042, "s", "4.2 ms"),
        (7200, "s", "2 h"),
        (3 * 1024**2, "bytes", "3 MiB"),
        (2048, "Bps", "2 KiB/s"),
        (0.5, "cores", "0.5 cores"),
    ],
)
def test_values_have_their_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


class Handler(BaseHTTPRequestHandler):
    """A Prometheus with two series for each query."""

    queries: list[str]

    def do_GET(self) -> None:
        parameters = parse_qs(urlsplit(self.path).query)
        type(self).queries.append(parameters["query"][0])
        end = float(parameters.get("end", parameters.get("time", ["0"]))[0])
        rows = [
            {
                "metric": {"service_name": name, "span_name": "GET <x>"},
                "value": [end, str(number)],
                "values": [[end - 60, "NaN"], [end - 30, "1"], [end, str(number)]],
            }
            for number, name in enumerate(("orders", "pay & go"), start=2)
        ]
        body = json.dumps({"data": {"result": rows}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Write no log."""


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    Handler.queries = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("uid", sorted(Files().dashboards()))
def test_each_dashboard_becomes_an_svg_with_all_titles(uid: str, http: httpx.Client) -> None:
    files = Files()
    dashboard = files.dashboards()[uid]
    panels = list(read(dashboard, files.sources(), http, time.time()))
    text = svg(str(dashboard["title"]), panels)
    found = " ".join("".join(element.itertext()) for element in ET.fromstring(text).iter())  # noqa: S314
    assert all(panel.title in found for panel in panels)
    assert all("$service" not in query for query in Handler.queries)


def test_lines_have_their_legend_and_end_at_their_value(http: httpx.Client) -> None:
    files = Files()
    panels = list(read(files.dashboards()["service-overview"], files.sources(), http, time.time()))
    (panel,) = [one for one in panels if one.title == "Requests by service"]
    assert [one.name for one in panel.series[0]] == ["orders", "pay & go"]
    assert [one.points[-1][1] for one in panel.series[0]] == [2.0, 3.0]
    assert len(panel.series[0][0].points) == 2, "NaN is left out"


def test_an_empty_panel_has_a_note() -> None:
    place = {"x": 0, "y": 0, "w": 12, "h": 8}
    empty = Panel("Empty", "timeseries", "short", place, ((),), {})
    foreign = Panel("Records", "logs", "", place, (), {}, other_source=True)
    assert "no data" in svg("Board", [empty])
    assert "another data source" in svg("Board", [foreign])


def test_an_unknown_dashboard_names_the_known_ones(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "monitoring.pictures", "none", str(tmp_path / "x.svg")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "No dashboard has the uid 'none': use one of alerts-health, collector," in done.stderr
