"""Names in COLLECTOR_OVERLAYS → arguments of the native collector, or a clear error. Needs no stack."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from monitoring.native.overlays import Overlay, chosen_overlays, overlay_words, overlays
from monitoring.native.parts import COLLECTOR
from monitoring.native.places import REPOSITORY, Places, StackError
from monitoring.native.processes import command_line

FOLDER = REPOSITORY / "monitoring" / "collector"
ENDPOINT = {"OTLP_VENDOR_ENDPOINT": "http://127.0.0.1:1"}


def test_shipped_overlays_are_found_by_their_first_line() -> None:
    assert {"tail-sampling", "vendor"} <= {overlay.name for overlay in overlays(REPOSITORY)}
    assert "manifest" not in {overlay.name for overlay in overlays(REPOSITORY)}


@pytest.mark.parametrize("names", ["vendor tail-sampling", "tail-sampling,vendor", " vendor,  tail-sampling vendor"])
def test_overlays_are_merged_once_and_in_the_same_order(names: str) -> None:
    assert overlay_words(REPOSITORY, {"COLLECTOR_OVERLAYS": names} | ENDPOINT) == [
        *("--config", str(FOLDER / "tail-sampling.yaml")),
        *("--config", str(FOLDER / "vendor.yaml")),
    ]


def test_no_overlay_is_the_default() -> None:
    assert overlay_words(REPOSITORY, {}) == []


def test_the_native_collector_starts_with_its_overlays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLLECTOR_OVERLAYS", "tail-sampling")
    words = command_line(COLLECTOR, Places(cache=tmp_path, state=tmp_path))
    assert words[1:] == [
        *("--config", str(REPOSITORY / "otel-collector.yaml")),
        *("--config", str(FOLDER / "tail-sampling.yaml")),
    ]


def test_an_unknown_overlay_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(StackError, match=r"COLLECTOR_OVERLAYS: 'tail_sampling' is not .* Use 'tail-sampling'\."):
        chosen_overlays(REPOSITORY, {"COLLECTOR_OVERLAYS": "tail_sampling"})


@pytest.mark.parametrize("endpoint", [{}, {"OTLP_VENDOR_ENDPOINT": ""}])
def test_a_missing_variable_is_an_error_with_an_example(endpoint: dict[str, str]) -> None:
    with pytest.raises(StackError, match=r"OTLP_VENDOR_ENDPOINT: the overlay vendor needs it\. Set OTLP_VEN"):
        chosen_overlays(REPOSITORY, {"COLLECTOR_OVERLAYS": "vendor"} | endpoint)


@pytest.mark.parametrize("overlay", overlays(REPOSITORY), ids=lambda overlay: str(overlay.name))
def test_an_overlay_replaces_no_list_of_a_pipeline_except_processors(overlay: Overlay) -> None:
    """Two overlays that replace the same list would lose the first one's entries."""
    shipped = yaml.safe_load((REPOSITORY / "otel-collector.yaml").read_text(encoding="utf-8"))
    own = yaml.safe_load(overlay.path.read_text(encoding="utf-8"))
    for name in set(own["service"]["pipelines"]) & set(shipped["service"]["pipelines"]):
        assert set(own["service"]["pipelines"][name]) == {"processors"}
