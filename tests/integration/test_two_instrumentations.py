"""Two instrumentations that measure under one name of the semantic conventions: both are on the page."""

from __future__ import annotations

from tests.programs import run

PROGRAM = """
    import http.server, threading, urllib.request
    import httpx
    from opentelemetry import metrics
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from flext_observability import init_observability

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handle = init_observability(
        exporters={"metrics": "prometheus", "traces": "memory", "logs": "none"}, prometheus_port=0, console=False
    ).unwrap()
    HTTPXClientInstrumentor().instrument()
    for _ in range(2):
        httpx.get(f"http://127.0.0.1:{server.server_port}/", trust_env=False)
    # Another instrumentation has the same name, another description, and its own scope.
    other = metrics.get_meter("opentelemetry.instrumentation.requests", "0.66b1")
    other.create_histogram("http.client.request.duration", "s", "Duration.").record(0.1)
    page = urllib.request.urlopen(handle.ops_address + "/metrics").read().decode()
    print(page.count("# TYPE http_client_request_duration_seconds histogram"))
    for line in page.splitlines():
        if line.startswith("http_client_request_duration_seconds_count"):
            print(line.partition('otel_scope_name="')[2].partition('"')[0], line.rpartition(" ")[2])
"""


def test_both_are_on_the_page() -> None:
    done = run(PROGRAM, 30, OTEL_SEMCONV_STABILITY_OPT_IN="http")
    assert sorted(done.lines) == [
        "1",
        "opentelemetry.instrumentation.httpx 2.0",
        "opentelemetry.instrumentation.requests 1.0",
    ], done.err
