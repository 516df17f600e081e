"""Rules of inhibition → alerts that are active and not told."""

from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextAlert, FlextAlertService
from flext_observability.services.alerts import inhibition
from flext_observability.services.alerts.inhibition import Inhibition
from tests.unit.services.alerts.parts import ScriptedNotifier, SetClock, flush, make, service_with


def on(host: str, **fields: Any) -> FlextAlert:
    return make(details={"labels": {"host": host}}, **fields)


def inhibited(service: FlextAlertService) -> list[str]:
    return [f"{alert.name} {alert.labels.get('host', '')}" for alert in service.inhibited_alerts().unwrap()]


def test_a_target_is_active_and_told_only_when_its_source_has_ended() -> None:
    clock, notifier = SetClock(), ScriptedNotifier()
    service = service_with(notifier, clock)
    assert service.inhibit(source="host down", target="disk", equal=("host",)).success
    down = service.process_alert(on("a", name="host down")).unwrap()
    service.process_alert(on("a"))
    service.process_alert(on("b"))
    assert flush(service)
    assert inhibited(service) == ["disk a"]
    assert len(service.active_alerts().unwrap()) == 3
    assert [each.labels["host"] for each in notifier.told] == ["a", "b"]
    clock.now += 1800
    service.tick()  # what nobody was told of does not escalate
    service.resolve_alert(down)
    assert flush(service)
    assert inhibited(service) == []
    assert (notifier.told[-1].name, notifier.told[-1].status, notifier.told[-1].labels) == (
        "disk",
        "active",
        {"host": "a"},
    )
    service.tick()  # its time begins now
    assert flush(service)
    assert notifier.told[-1].status == "active"


def test_a_target_that_ends_untold_is_never_told() -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    service.inhibit(source="host down", target="disk")
    down = service.process_alert(make(name="host down")).unwrap()
    service.resolve_alert(service.process_alert(make()).unwrap())
    service.resolve_alert(down)
    assert flush(service)
    assert {each.name for each in notifier.told} == {"host down"}


def test_a_target_that_was_told_before_has_its_end_told() -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    disk = service.process_alert(make()).unwrap()
    assert flush(service)
    service.process_alert(make(name="host down"))
    service.inhibit(source="host down", target="disk")  # also for what is active already
    service.escalate_alert(disk)
    service.resolve_alert(disk)
    assert flush(service)
    assert [each.status for each in notifier.told if each.name == "disk"] == ["active", "resolved"]


def test_fields_and_labels_can_be_asked_for() -> None:
    service = FlextAlertService()
    source = {"severity": "critical", "source": "kernel", "zone": "1"}
    assert service.inhibit(source=source, target={"severity": "error"}, equal="host").success
    service.process_alert(make(name="x", severity="critical", source="kernel", details={"labels": {"zone": "2"}}))
    service.process_alert(make())
    assert inhibited(service) == []
    service.process_alert(make(name="y", severity="critical", source="kernel", details={"labels": {"zone": 1}}))
    assert inhibited(service) == ["disk "]  # what both have not is equal


def test_a_source_that_changes_frees_its_targets() -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    service.inhibit(source={"name": "host", "severity": "critical"}, target="disk")
    host = service.process_alert(make(name="host", severity="critical")).unwrap()
    service.process_alert(make())
    service.escalate_alert(host, {"severity": "error"})
    assert flush(service)
    assert [each.name for each in notifier.told].count("disk") == 1


def test_two_alerts_that_match_both_sides_do_not_silence_each_other() -> None:
    service = FlextAlertService()
    service.inhibit(source={"zone": "1"}, target={"zone": "1"})
    for name in ("a", "b"):
        service.process_alert(make(name=name, details={"labels": {"zone": "1"}}))
    assert inhibited(service) == []


def test_two_sources_of_one_host_are_counted() -> None:
    service = FlextAlertService()
    service.inhibit(source={"severity": "critical"}, target="disk", equal=("host",))
    first, second = (service.process_alert(on("a", name=name, severity="critical")).unwrap() for name in ("x", "y"))
    service.process_alert(on("a"))
    service.resolve_alert(first)
    assert inhibited(service) == ["disk a"]
    service.resolve_alert(second)
    assert inhibited(service) == []


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ({"source": "", "target": "b"}, "Invalid inhibition source: it is blank"),
        ({"source": 5, "target": "b"}, "Invalid inhibition source: '5'"),
        ({"source": "a", "target": {}}, "Invalid inhibition target: '{}'"),
        ({"source": "a", "target": {5: "b"}}, "Invalid inhibition target: "),
        ({"source": "a", "target": "b", "equal": 5}, "Invalid inhibition equal: '5'"),
        ({"source": "a", "target": "b", "equal": [5]}, "Invalid inhibition equal: '[5]'"),
    ],
)
def test_wrong_rules_are_named(given: Any, prefix: str) -> None:
    result = FlextAlertService().inhibit(**given)
    assert result.code == "invalid_inhibition"
    assert str(result.error).startswith(prefix)


def test_rules_are_bounded_and_the_same_one_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inhibition, "MAX_RULES", 2)
    rules = Inhibition()
    for _ in range(5):
        assert rules.add("a", "b", (), []).success
    assert rules.add("a", "c", (), []).success
    assert "there are 2 rules already" in str(rules.add("a", "d", (), []).error)
