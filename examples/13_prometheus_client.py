"""Show the metrics of prometheus_client and of OpenTelemetry on one page: ours, or that of the program."""

from __future__ import annotations

import urllib.request

from prometheus_client import Counter, start_http_server

from flext_observability import init_observability, publish_to_prometheus_client


def show(title: str, address: str) -> None:
    """Print the series of the bakery on a page."""
    with urllib.request.urlopen(address, timeout=5) as reply:
        page = reply.read().decode()
    print(title)
    for line in page.splitlines():
        if line.startswith(("bakery_bread_total", "bakery_oven_celsius")):
            print(f"  {line}")


bread = Counter("bakery_bread", "Sold loaves", ["kind"])
bread.labels("rye").inc(3)

# The page of the program. It has our metrics while telemetry is started.
publish_to_prometheus_client().unwrap()
server, _ = start_http_server(0, "127.0.0.1")

# Our page. It has the metrics of the program.
observability = init_observability(service_name="bakery", exporters="prometheus", prometheus_port=0).unwrap()
observability.metrics.gauge("bakery.oven", unit="Cel").set(231)

show("our page", f"{observability.ops_address}/metrics")
show("page of the program", f"http://127.0.0.1:{server.server_port}/metrics")
observability.shutdown()
show("after the shutdown", f"http://127.0.0.1:{server.server_port}/metrics")
server.shutdown()
server.server_close()
