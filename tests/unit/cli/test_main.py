"""The commands as run by a user: exit code, output and messages, with real programs in real processes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flext_observability.cli import main as command_line, run_program
from tests.backends.ports import refusing_port
from tests.programs import environment

PROGRAM = """
from flext_observability import FlextAlertRule, FlextObservabilityMonitor, init_observability

print("output of the program")
observability = init_observability(service_name="shop", exporters="otlp", otlp_endpoint="http://127.0.0.1:1").unwrap()
orders = observability.metrics.counter("shop.orders", unit="orders", description="Placed orders")
orders.add(1, {"outcome": "sold"})
stock = observability.metrics.gauge("shop.stock", mode="sum")
busy = FlextAlertRule("busy", metric="shop.orders", measure="rate", above=5)
RULES = [busy, FlextAlertRule("failed", metric="shop.orders", attributes={"outcome": "failed"}, above=1), "no rule"]
BY_NAME = {"typo": FlextAlertRule("typo", metric="shop.order", above=1)}
FROZEN = frozenset()
LATER = FlextObservabilityMonitor(rules=[FlextAlertRule("low", metric="shop.stock", below=2)])
NOTHING = None

def declare():
    observability.metrics.counter("shop.late")
    return FlextAlertRule("late", metric="shop.late", above=1)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "shop_program.py"
    file.write_text(PROGRAM)
    return file


def run(*arguments: str) -> int:
    return command_line.main(arguments)


def alerts(text: str) -> list[str]:
    return [rule["alert"] for rule in yaml.safe_load(text)["groups"][0]["rules"]]


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop_program:RULES", ["busy", "failed"]),
        ("shop_program.py:busy", ["busy"]),
        ("./shop_program.py:LATER", ["low"]),
        ("shop_program:declare", ["late"]),
        ("shop_program:NOTHING", []),
        ("shop_program:FROZEN", []),
    ],
)
def test_rules_of_a_name_are_written(name: str, expected: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run("rules", name) == 0
    output = capfd.readouterr()
    assert alerts(output.out) == expected
    assert output.err == ""


@pytest.mark.usefixtures("program")
def test_rules_of_all_names_are_checked(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("rules", "shop_program") == 1
    output = capfd.readouterr()
    assert (output.out, output.err.strip()) == (
        "",
        "Invalid alert rule 'typo': the program declares no metric 'shop.order'. Use 'shop.orders'.",
    )


@pytest.mark.usefixtures("program")
def test_options_reach_the_file(capfd: pytest.CaptureFixture[str]) -> None:
    options = ("--owner", "sales", "--runbook-url", "https://example.org/{name}", "--service", "other")
    assert run("rules", "shop_program:busy", *options, "--attributes", "shop.orders=outcome") == 0
    text = capfd.readouterr().out
    assert 'shop_orders_total{service_name="other"}' in text
    assert yaml.safe_load(text)["groups"][0]["rules"][0]["labels"]["owner"] == "sales"
    assert 'runbook_url: "https://example.org/busy"' in text
    assert run("rules", "shop_program:busy", "--all-services") == 0
    assert "rate(shop_orders_total[4m])" in capfd.readouterr().out
    assert run("rules", "shop_program:RULES", "--attributes", "shop.orders=product") == 1
    assert "has no attribute 'outcome'" in capfd.readouterr().err


def test_a_file_is_written_and_compared(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = program.with_name("rules.yml")
    assert run("rules", "shop_program:busy", "--check", str(file)) == 1
    assert "Write it with the option -o." in capfd.readouterr().err
    assert run("rules", "shop_program:busy", "-o", str(file)) == 0
    assert run("rules", "shop_program:busy", "--check", str(file)) == 0
    assert capfd.readouterr().out == ""
    program.write_text(PROGRAM.replace("above=5", "above=6"))
    assert run("rules", "shop_program:busy", "--check", str(file)) == 1
    output = capfd.readouterr()
    assert "-          rate(shop_orders_total{" in output.out
    assert output.err.endswith(f"Write it again with the command rules -o {file}.\n")
    assert run("rules", "shop_program:busy", "-o", str(program / "rules.yml")) == 1
    assert capfd.readouterr().err.startswith("Writing failed: ")


@pytest.mark.usefixtures("program")
def test_a_dashboard_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("dashboard", "shop_program", "--title", "Sales", "--uid", "sales") == 0
    built = json.loads(capfd.readouterr().out)
    assert (built["title"], built["uid"]) == ("Sales", "sales")
    titles = [panel["title"] for panel in built["panels"] if panel["type"] == "timeseries"]
    assert titles == ["shop.orders per second", "shop.stock"]


def test_a_program_without_instruments_has_no_dashboard(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program.write_text("")
    assert run("dashboard", str(program)) == 1
    expected = "The program declares no instruments. Create them where the module is imported.\n"
    assert capfd.readouterr().err == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys; sys.exit(3)", "failed: it ended with sys.exit(3). Put what runs the program under: if __name__"),
        ("import os; os._exit(4)", "ended the process while it was imported (exit code 4). Put what runs"),
        (
            "print('last words', flush=True)\nimport os; os._exit(4)",
            "(exit code 4). Its output: last words. Put what runs",
        ),
        ("while True: pass", "was not imported within 1 s. Put what runs"),
        (
            "class End(BaseException): ...\n\nraise End('now')",
            "failed: End: now (",
        ),
        ("x = (", "failed: SyntaxError: "),
        ("import no_such_module", "No module named 'no_such_module' ("),
        ("import os; os.close(1); os.close(2)", ""),
    ],
)
def test_a_program_that_cannot_be_imported_is_a_failure(
    text: str, message: str, program: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program.write_text(text)
    assert run("rules", str(program), "--timeout", "1" if "while" in text else "30") == bool(message)
    assert message in capfd.readouterr().err


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_program", "Run the command in the folder of the program, or give the path of its file."),
        ("no_such.py", "FileNotFoundError: no file no_such.py. Give a module or the path of its file."),
        ("./shop_program", "FileNotFoundError"),
        ("./shop_program.txt", "ImportError: shop_program.txt is not a Python file"),
        ("shop_program:RULE", "The module shop_program has no 'RULE'. Use 'RULES'."),
        ("shop_program:zzzzzzzz", "The module shop_program has no 'zzzzzzzz'. Correct the name."),
    ],
)
def test_a_wrong_name_is_a_failure(name: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("shop_program.txt").touch()
    assert run("rules", name) == 1
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("rules",),
        ("rules", "p", "--timeout", "0"),
        ("rules", "p", "--timeout", "nan"),
        ("rules", "p", "--attributes", "shop.orders"),
        ("rules", "p", "--service", "a", "--all-services"),
    ],
)
def test_wrong_arguments_are_exit_code_2(arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        run(*arguments)
    assert error.value.code == 2
    assert "usage: python -m flext_observability" in capfd.readouterr().err


def test_help_explains_the_program(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        run("rules", "--help")
    assert error.value.code == 0
    assert "PROGRAM is a module" in capfd.readouterr().out


def test_ctrl_c_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: run_program.Request) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "run_program", interrupt)
    assert run("rules", "shop") == 130


def test_a_wrong_variable_of_the_library_does_not_stop_the_command(
    program: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "soon")
    assert run("rules", f"{program}:busy") == 0
    assert alerts(capfd.readouterr().out) == ["busy"]


def test_a_program_can_be_read_while_it_runs(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        program.write_text(
            f"from flext_observability import start_ops_server\n{PROGRAM}\nstart_ops_server(port={port}).unwrap()"
        )
        assert run("rules", f"{program}:busy") == 0
    assert alerts(capfd.readouterr().out) == ["busy"]


def test_the_import_of_a_program_sends_and_serves_nothing(program: Path) -> None:
    with refusing_port() as port:
        program.write_text(
            f"""
import socket, sys
used = []
sys.addaudithook(lambda event, arguments: used.append(event) if event in ("socket.connect", "socket.bind") else None)
from flext_observability import FlextAlertRule, flext_create_alert, init_observability, shutdown_observability, traced
address = "http://127.0.0.1:{port}"
o = init_observability(service_name="shop", exporters=["otlp", "prometheus", "console"], otlp_endpoint=address,
    alertmanager_url=address, alert_webhook_url=address, instrument=["httpx"]).unwrap()
with traced("work"):
    o.metrics.counter("shop.orders").add(1)
    flext_create_alert("full", "critical", "disk full").unwrap()
print(o.flush(5).unwrap().complete, shutdown_observability(5).success)
used and sys.exit(str(used))
rule = FlextAlertRule("busy", metric="shop.orders", above=1)
"""
        )
        done = subprocess.run(
            [sys.executable, "-m", "flext_observability", "rules", f"{program}:rule"],
            env=environment({"ALERTMANAGER_URL": f"http://127.0.0.1:{port}"}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert alerts(done.stdout) == ["busy"]
