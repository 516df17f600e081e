"""Use the standard library's logging, and get log records with the ids of the current trace."""

from __future__ import annotations

import logging

from flext_observability import get_logger, init_observability, memory_store, traced

observability = init_observability(service_name="mailer", exporters="memory", log_level="INFO").unwrap()
log = logging.getLogger("mailer")
events = get_logger("mailer.events", campaign="spring")

log.info("Nothing to trace yet")
with traced("send mail") as span:
    log.info("Sending to %s", "ada@example.org")
    events.info("sent", recipients=1)
    try:
        recipients = int("many")
    except ValueError:
        log.exception("Cannot count the recipients")
    current = span.get_span_context().trace_id
observability.shutdown()

for item in memory_store().logs:
    record = item.log_record
    attributes = dict(record.attributes or {})
    known = [f"{name}={attributes[name]!r}" for name in ("campaign", "recipients") if name in attributes]
    trace = "in the trace" if record.trace_id == current else "no trace" if not record.trace_id else "elsewhere"
    print(record.severity_text, "·", record.body, "·", ", ".join([trace, *known]))
