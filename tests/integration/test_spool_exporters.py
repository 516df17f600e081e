"""Exporters of programs with a spool: what one program could not send, the next one sends."""

from __future__ import annotations

from pathlib import Path

from tests import programs

PROGRAM = """
    import logging, os
    from opentelemetry import metrics, trace
    from flext_observability import init_observability, register_exporter
    from flext_observability.extensions.ports import ExportOutcome
    from tests.fakes import OneExporterFactory

    class Lines:
        works = os.environ["LINES"] == "work"

        def export(self, batch, timeout_seconds):
            if not self.works:
                return ExportOutcome(retry=True, reached=False, reason="unreachable", message="it is down")
            for item in batch:
                if hasattr(item, "log_record"):
                    print("log", item.log_record.body, item.resource.attributes["service.name"])
                elif hasattr(item, "name"):
                    print("span", item.name, dict(item.attributes), item.instrumentation_scope.name)
                else:
                    for metric in item.resource_metrics[0].scope_metrics[0].metrics:
                        print("metric", metric.name, metric.data.data_points[0].value)
            return ExportOutcome(accepted=len(batch))

        def close(self):
            pass

    register_exporter("lines", OneExporterFactory(lambda signal: Lines()))
    init_observability(service_name="shop", exporters=["lines"], spool=True, console=False)
    if not Lines.works:
        logging.getLogger("app").warning("sold out")
        metrics.get_meter("app").create_counter("sold").add(3)
        with trace.get_tracer("app").start_as_current_span("work", attributes={"table": 4}):
            pass
"""


def test_the_next_program_sends_what_an_exporter_of_a_program_could_not(tmp_path: Path) -> None:
    settings = {"FLEXT_OBSERVABILITY_SPOOL_DIRECTORY": str(tmp_path)}
    first = programs.run(PROGRAM, LINES="fail", **settings)
    assert first.code == 0, first.err
    assert first.lines == []
    second = programs.run(PROGRAM, LINES="work", **settings)
    assert sorted(line for line in second.lines if not line.startswith("metric flext")) == [
        "log sold out shop",
        "metric sold 3",
        "span work {'table': 4} app",
    ], second.err
