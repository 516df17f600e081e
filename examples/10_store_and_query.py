"""Store entities in a file, and query them by name, tags and time."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flext_observability import (
    FlextObservabilityPlatformV2,
    FlextObservabilityRepository,
    MetricsCriteria,
    SQLiteStorage,
)

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "measurements.sqlite3"
    started = datetime.now(UTC)

    with FlextObservabilityPlatformV2(storage=SQLiteStorage(path)) as platform:
        for room, degrees in (("kitchen", 21.5), ("cellar", 11.0), ("kitchen", 23.0)):
            platform.create_metric("room.temperature", degrees, "Cel", {"room": room}).unwrap()
        platform.create_alert("cellar cold", "warning", "11 degrees").unwrap()
        print("rejected:", platform.create_metric("room temperature", 20).error)

    # Later, in another process:
    repository = FlextObservabilityRepository(SQLiteStorage(path))
    warm = MetricsCriteria(name="room.temperature", tags={"room": "kitchen"}, since=started)
    for metric in repository.query_metrics(warm).unwrap():
        print(metric.name, metric.tags["room"], metric.value, metric.unit)
    older = MetricsCriteria(name="room.temperature", until=started - timedelta(days=1))
    print("older than a day:", len(repository.query_metrics(older).unwrap()))
    print("alerts:", [alert.message for alert in repository.find_alerts_by_name("cellar cold").unwrap()])
    print("stored:", repository.count().unwrap())
    repository.close()
