"""Monitor a function: each call gets a span, a duration and a count by outcome, also when it raises."""

from __future__ import annotations

from flext_observability import flext_monitor_function, init_observability, memory_store

STOCK = {"hat": 2, "scarf": 0}


@flext_monitor_function("reserve")
def reserve(item: str) -> int:
    """Reserve one piece of an item. Return the number of remaining pieces."""
    if not STOCK[item]:
        raise LookupError(f"no {item} left")
    STOCK[item] -= 1
    return STOCK[item]


observability = init_observability(service_name="stock", exporters="memory").unwrap()
for wanted in ("hat", "scarf", "hat"):
    try:
        print(f"{wanted}: {reserve(wanted)} left")
    except LookupError as error:
        print(f"{wanted}: {error}")
observability.shutdown()

store = memory_store()
for span in store.spans:
    print(f"span {span.name}: {span.status.status_code.name.lower()}")
calls = store.metric("flext.function.calls")
for point in calls.data.data_points if calls else ():
    print("calls", dict(point.attributes or {}), getattr(point, "value", None))
print("error records:", sum(record.log_record.severity_text == "ERROR" for record in store.logs))
