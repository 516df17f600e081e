"""Record a span around a block, and show the trace as a tree in the terminal."""

from __future__ import annotations

from flext_observability import init_observability, traced

observability = init_observability(service_name="first-span", exporters="console").unwrap()

with traced("make tea", kind="green") as span:
    with traced("boil water"):
        temperature = 80
    span.set_attribute("tea.temperature", temperature)

report = observability.shutdown().unwrap()
print(f"{report.exported} spans were exported")
