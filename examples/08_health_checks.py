"""Register health checks, and get the overall status with reasons, also on a page for probes."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request

from flext_observability import FlextHealthCheck, init_observability, start_ops_server

observability = init_observability(service_name="shop", exporters="memory").unwrap()
health = observability.health
disk_free = 0.42


@health.check("database")
async def database() -> str:
    """Answer after a delay, as a database driver does. A check is critical by default."""
    await asyncio.sleep(0.01)
    return "healthy"


@health.check("disk", critical=False)
def disk() -> FlextHealthCheck:
    """Return the free space."""
    status = "healthy" if disk_free > 0.1 else "degraded"
    return FlextHealthCheck(name="disk", status=status, message=f"{disk_free:.0%} free")


@health.check("mail", critical=False, depends_on=("database",), cache_seconds=0)
def mail() -> None:
    """Raise an exception, which makes the check unhealthy."""
    raise ConnectionError("the mail server hung up")


report = health.overall().unwrap()
print(report.status, "because of", *report.reasons)
for check in report.checks:
    print(f"  {check.name}: {check.status} {check.message}".rstrip())

server = start_ops_server(port=0).unwrap()
try:
    with urllib.request.urlopen(f"{server.address}/health/ready", timeout=5) as reply:
        print("ready:", reply.status, json.load(reply)["status"])
except urllib.error.HTTPError as error:
    print("ready:", error.code)
server.stop()
observability.shutdown()
