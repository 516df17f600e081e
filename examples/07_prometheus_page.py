"""Serve metrics on a page for Prometheus."""

from __future__ import annotations

import urllib.request

from flext_observability import init_observability

observability = init_observability(service_name="queue", exporters="prometheus", prometheus_port=0).unwrap()
jobs = observability.metrics.counter("queue.jobs", unit="{job}", description="Started jobs")
waiting = observability.metrics.gauge("queue.waiting", unit="{job}", description="Queued jobs")
duration = observability.metrics.histogram("queue.job.duration", unit="s", bounds=[0.1, 1, 10])

for seconds in (0.04, 0.7, 0.8, 12.0):
    jobs.add(1, {"kind": "resize"})
    duration.record(seconds)
waiting.set(3)

address = f"{observability.ops_address}/metrics"
print("page on this machine:", address.startswith("http://127.0.0.1:"))
with urllib.request.urlopen(address, timeout=5) as reply:
    page = reply.read().decode()
for line in page.splitlines():
    if line.startswith(("queue_jobs_total", "queue_waiting", "queue_job_duration_seconds_bucket")):
        print(line)
observability.shutdown()
