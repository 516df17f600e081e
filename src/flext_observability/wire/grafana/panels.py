"""DeclaredInstrument → panels: kind and unit choose panel, query and axis.

Counter: rate per second. Up-down counter: sum. Gauge: by its mode. Histogram: quantiles and a heatmap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common as common_builders, heatmap, prometheus, timeseries
from grafana_foundation_sdk.models import common, heatmap as heatmap_models, prometheus as prometheus_models

from flext_observability.values.grafana_units import axis_label, grafana_rate_unit, grafana_unit
from flext_observability.wire.prometheus.names import label_name, metric_name

if TYPE_CHECKING:
    from flext_observability.domain.declaration import DeclaredInstrument

PROMETHEUS: Final = common.DataSourceRef(type_val="prometheus", uid="prometheus")
_SERIES: Final = '{service_name=~"$service",instance=~"$instance"}'
_QUANTILES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
_MODES: Final = {"sum": "sum", "max": "max", "min": "min", "latest": "max"}
_WIDTH: Final = 12
_HEIGHT: Final = 8
# Labels of the process, the scope and the promoted attributes of the resource: not attributes of a measurement.
_NOT_ATTRIBUTES: Final = (
    "job, instance, service_name, service_namespace, service_version, service_instance_id, "
    "deployment_environment_name, otel_scope_name, otel_scope_version, otel_scope_schema_url"
)
Panel = timeseries.Panel | heatmap.Panel


def panels(instrument: DeclaredInstrument, *, native_histograms: bool) -> Iterator[Panel]:
    """Yield the panels of an instrument, each half as wide as the dashboard.

    Args:
        instrument: The instrument.
        native_histograms: Whether its histogram is a native one in Prometheus.
    """
    unit = instrument.unit
    name = _prometheus_name(instrument)
    if instrument.kind == "histogram":
        yield _quantiles(instrument, name, native=native_histograms)
        yield _heatmap(instrument, name, native=native_histograms)
    elif instrument.kind == "counter":
        expr = f"{_aggregated('sum', instrument)} (rate({name}{_SERIES}[$__rate_interval]))"
        panel = _timeseries(instrument, f"{instrument.name} per second", grafana_rate_unit(unit))
        panel = _with_axis(panel, axis_label(unit, rate=True)).min(0)
        yield panel.with_target(_query(expr, "A", _legend(instrument)).exemplar(exemplar=True))
    else:
        panel = _with_axis(_timeseries(instrument, instrument.name, grafana_unit(unit)), axis_label(unit))
        yield panel.with_target(_query(_level(instrument, name), "A", _level_legend(instrument)))


def _prometheus_name(instrument: DeclaredInstrument) -> str:
    kind = "gauge" if instrument.kind == "up_down_counter" else instrument.kind
    return metric_name(instrument.name, instrument.unit, kind, ratio=instrument.kind == "gauge")


def _level(instrument: DeclaredInstrument, name: str) -> str:
    if instrument.kind == "up_down_counter":
        return f"{_aggregated('sum', instrument)} ({name}{_SERIES})"
    mode = _MODES.get(instrument.mode)
    return f"{name}{_SERIES}" if mode is None else f"{_aggregated(mode, instrument)} ({name}{_SERIES})"


def _aggregated(operator: str, instrument: DeclaredInstrument) -> str:
    """Return the operator with the labels that stay: the attributes, if they are known."""
    if instrument.attributes:
        return f"{operator} by ({', '.join(map(label_name, instrument.attributes))})"
    return f"{operator} by ()" if instrument.complete else f"{operator} without ({_NOT_ATTRIBUTES})"


def _legend(instrument: DeclaredInstrument) -> str:
    shown = " ".join(f"{{{{{label_name(name)}}}}}" for name in instrument.attributes)
    return shown or (instrument.name if instrument.complete else "__auto")


def _level_legend(instrument: DeclaredInstrument) -> str:
    if instrument.kind == "gauge" and instrument.mode not in _MODES:
        return f"{{{{instance}}}} {_legend(instrument)}" if instrument.attributes else "__auto"
    return _legend(instrument)


def _quantiles(instrument: DeclaredInstrument, name: str, *, native: bool) -> timeseries.Panel:
    ranged = f"rate({name}{'' if native else '_bucket'}{_SERIES}[$__rate_interval])"
    merged = f"sum({ranged})" if native else f"sum by (le) ({ranged})"
    panel = _timeseries(instrument, f"{instrument.name}: quantiles", grafana_unit(instrument.unit))
    panel = _with_axis(panel, axis_label(instrument.unit))
    for (quantile, legend), ref_id in zip(_QUANTILES, "ABC", strict=True):
        query = _query(f"histogram_quantile({quantile}, {merged})", ref_id, legend)
        panel = panel.with_target(query.exemplar(exemplar=True))
    return panel


def _heatmap(instrument: DeclaredInstrument, name: str, *, native: bool) -> heatmap.Panel:
    ranged = f"increase({name}{'' if native else '_bucket'}{_SERIES}[$__rate_interval])"
    expr = f"sum({ranged})" if native else f"sum by (le) ({ranged})"
    query = _query(expr, "A", "{{le}}").format(prometheus_models.PromQueryFormat.HEATMAP)
    scheme = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    return (
        heatmap.Panel()
        .title(f"{instrument.name}: distribution")
        .description(_description(instrument))
        .datasource(PROMETHEUS)
        .span(_WIDTH)
        .height(_HEIGHT)
        .calculate(calculate=False)
        .color(scheme)
        .y_axis(heatmap.YAxisConfig().unit(grafana_unit(instrument.unit)))
        .with_target(query.exemplar(exemplar=True))
    )


def _timeseries(instrument: DeclaredInstrument, title: str, unit: str) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .title(title)
        .description(_description(instrument))
        .datasource(PROMETHEUS)
        .span(_WIDTH)
        .height(_HEIGHT)
        .unit(unit)
        .fill_opacity(10)
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    )


def _with_axis(panel: timeseries.Panel, label: str) -> timeseries.Panel:
    return panel.axis_label(label) if label else panel


def _query(expr: str, ref_id: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).range().ref_id(ref_id).legend_format(legend).datasource(PROMETHEUS)


def _description(instrument: DeclaredInstrument) -> str:
    kind = instrument.kind.replace("_", "-")
    unit = f" in {instrument.unit}" if instrument.unit else ""
    text = f"{instrument.description.rstrip('.')}. " if instrument.description else ""
    return f"{text}The {kind} {instrument.name}{unit}. Empty until the program records a measurement."
