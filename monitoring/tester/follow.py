"""Follow the links between data sources, with values of the load: exemplar, trace or log record → target."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from monitoring.tester.backends.jaeger import Jaeger, Span
from monitoring.tester.backends.prometheus import Prometheus
from monitoring.tester.backends.victorialogs import VictoriaLogs
from monitoring.tester.catalogue.files import children
from monitoring.tester.catalogue.interpolation import seconds
from monitoring.tester.model import Check, Outcome, Scope, State, counted

_LAST_SECONDS = 1800.0
_SPAN_PART = re.compile(r"\$\{__(trace|span)\.(\w+)(?:\[\"([^\"]+)\"\])?\}")


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows links as Grafana does.

    Attributes:
        prometheus: Source of exemplars.
        victorialogs: Source of log records.
        jaeger: Source of traces.
        run_id: Prefix of the instance ids of the load.
        trace_id: A trace of the load.
        now: End of the time range.
    """

    prometheus: Prometheus
    victorialogs: VictoriaLogs
    jaeger: Jaeger
    run_id: str
    trace_id: str
    now: float

    def exemplar(self, check: Check) -> Outcome:
        """Open the trace of the newest exemplar of the load."""
        label = str(check.options["name"])
        selector = f'{{__name__=~".+_bucket", service_instance_id=~"{self.run_id}-.+"}}'
        found = self.prometheus.exemplars(selector, Scope(range_seconds=_LAST_SECONDS), self.now)
        ids = [labels[label] for labels in found if label in labels]
        return self._trace(ids[0], "exemplar") if ids else counted(0, f"no exemplar has the label {label}")

    def log(self, check: Check) -> Outcome:
        """Open the trace of a log record of the load."""
        query = f'"service.instance.id":~"{self.run_id}" trace_id:*'
        records = self.victorialogs.records(query, Scope(range_seconds=_LAST_SECONDS), self.now, limit=20)
        values = [value for record in records if (value := _matched(record, check))]
        if not values:
            return counted(0, f"no log record has a match for {check.text!r}")
        url = str(check.options.get("url", "")).replace("$$", "$")
        return self._trace(url.replace("${__value.raw}", values[0]), "log record")

    def logs_of_trace(self, check: Check) -> Outcome:
        """Query the log records of a span of the load."""
        spans = self.jaeger.trace(self.trace_id)
        if not spans:
            return counted(0, f"Jaeger has no trace {self.trace_id}")
        query = _of_span(check.text, self.trace_id, spans[0])
        scope = self._range(check, spans)
        records = self.victorialogs.records(query, scope, scope_end(check, spans, self.now))
        return counted(len(records), query)

    def metrics_of_trace(self, check: Check) -> Outcome:
        """Run the query for the metrics of a server span of the load."""
        servers = [span for span in self.jaeger.trace(self.trace_id) if span.kind == "server"]
        if not servers:
            return counted(0, f"Jaeger has no server span in trace {self.trace_id}")
        query = _of_span(check.text.replace("$$__tags", _tags(check, servers[0])), self.trace_id, servers[0])
        return counted(self.prometheus.range(query, self._range(check, servers), self.now), query)

    def _trace(self, trace_id: str, origin: str) -> Outcome:
        if not re.fullmatch(r"[0-9a-f]{32}", trace_id):
            return Outcome(
                State.ERROR, 0, f"{origin} leads to {trace_id!r}, which is not a trace id. Correct the link."
            )
        return counted(len(self.jaeger.trace(trace_id)), f"trace {trace_id}")

    def _range(self, check: Check, spans: list[Span]) -> Scope:
        start = min(span.start_seconds for span in spans) + _shift(check, "spanStartTimeShift")
        return replace(check.scope, range_seconds=self.now - start, scrape_seconds=15.0)


def scope_end(check: Check, spans: list[Span], now: float) -> float:
    """Return the end of the time range of a link from a trace, at most now."""
    return min(now, max(span.end_seconds for span in spans) + _shift(check, "spanEndTimeShift"))


def _shift(check: Check, name: str) -> float:
    text = str(check.options.get(name) or "0s")
    sign = -1 if text.startswith("-") else 1
    return sign * seconds(text.lstrip("-+"), check.scope)


def _matched(record: dict[str, str], check: Check) -> str:
    """Return the value of a derived field: of a label whose name matches, or of a group in the message."""
    pattern = check.text
    if check.options.get("matcherType") == "label":
        return next((value for name, value in record.items() if re.fullmatch(pattern, name) and value), "")
    found = re.search(pattern, record.get("_msg", ""))
    return found[1] if found else ""


def _tags(check: Check, span: Span) -> str:
    """Return the label matchers of the tags that a link names, with the values of a span."""
    names = children(check.options, "tags")
    pairs = ((str(one.get("value") or one["key"]), span.tags.get(str(one["key"]))) for one in names)
    return ",".join(f'{label}="{value}"' for label, value in pairs if value is not None)


def _of_span(query: str, trace_id: str, span: Span) -> str:
    def value(match: re.Match[str]) -> str:
        if match[2] == "traceId":
            return trace_id
        if match[2] == "tags" and match[3]:
            return str(span.tags.get(match[3], ""))
        return {"spanId": span.span_id, "name": span.name}.get(match[2], match[0])

    return _SPAN_PART.sub(value, query.replace("$$", "$"))
