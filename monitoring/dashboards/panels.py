"""Titles, units and queries → panels of the SDK, all with a description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final, Literal, TypeVar

from grafana_foundation_sdk.builders import common, dashboard, heatmap, logs, nodegraph, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as common_models, dashboard as models, heatmap as heatmap_models

from monitoring.dashboards.queries import JAEGER, LOGS, PROMETHEUS, LogsQL, PromQL, Query, Traces

Panel = timeseries.Panel | stat.Panel | table.Panel | heatmap.Panel | logs.Panel | nodegraph.Panel
_AnyPanel = TypeVar("_AnyPanel", timeseries.Panel, stat.Panel, table.Panel, heatmap.Panel, logs.Panel, nodegraph.Panel)

_COLORS: Final = ("green", "orange", "red")


@dataclass(frozen=True, slots=True)
class Frame:
    """What all kinds of panels have."""

    title: str
    description: str
    """What the panel shows, and what a reader can conclude. A panel without data says why: `Empty until …`."""
    unit: str = "short"
    width: int = 12
    height: int = 8
    limits: tuple[float, ...] = ()
    """Values from which on the panel is orange, and red; one value is red."""
    links: Mapping[str, str] | None = None
    """Addresses of other dashboards or pages, by title, opened from a value."""


def lines(frame: Frame, *queries: Query, stacked: bool = False) -> timeseries.Panel:
    """Return values over time."""
    panel = (
        _framed(timeseries.Panel(), frame, queries).unit(frame.unit).fill_opacity(25 if stacked else 8).line_width(1)
    )
    legend = common.VizLegendOptions().show_legend(show_legend=True).placement(common_models.LegendPlacement.BOTTOM)
    legend = legend.display_mode(common_models.LegendDisplayMode.TABLE).calcs(["mean", "max", "lastNotNull"])
    tooltip = common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
    panel = panel.legend(legend).tooltip(tooltip.sort(common_models.SortOrder.DESCENDING)).min(0)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if frame.limits:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(_thresholds(frame)).thresholds_style(style)
    return panel.data_links(_links(frame)) if frame.links else panel


def number(frame: Frame, query: Query, *, calculation: str = "lastNotNull") -> stat.Panel:
    """Return one number, with its course in the background."""
    reduced = common.ReduceDataOptions().calcs([calculation])
    panel = _framed(stat.Panel(), frame, (query,)).unit(frame.unit).reduce_options(reduced)
    panel = panel.graph_mode(common_models.BigValueGraphMode.AREA).thresholds(_thresholds(frame))
    color = common_models.BigValueColorMode.VALUE if frame.limits else common_models.BigValueColorMode.NONE
    panel = panel.color_mode(color)
    return panel.data_links(_links(frame)) if frame.links else panel


@dataclass(frozen=True, slots=True)
class Column:
    """Column of a table."""

    title: str
    unit: str = ""
    links: tuple[str, str] | None = None
    """Title and address that a cell opens."""


def rows(frame: Frame, columns: Mapping[str, Column], *queries: Query, sort_by: str = "") -> table.Panel:
    """Return a table of instant queries, joined by their labels.

    Args:
        frame: Title, description and size.
        columns: Columns by field: label, or `Value #A` for the first of several queries (`Value` for a single one).
            Other fields are hidden.
        queries: Instant queries.
        sort_by: Title of the column with the greatest value first.
    """
    panel = _framed(table.Panel(), frame, queries).filterable(filterable=True)
    if len(queries) > 1:
        panel = panel.with_transformation(_transformation("merge", {}))
    kept: dict[str, object] = {"include": {"names": list(columns)}}
    panel = panel.with_transformation(_transformation("filterFieldsByName", kept))
    titles = {name: column.title for name, column in columns.items()}
    order = {name: place for place, name in enumerate(columns)}
    organized: dict[str, object] = {"excludeByName": {}, "indexByName": order, "renameByName": titles}
    panel = panel.with_transformation(_transformation("organize", organized))
    for column in columns.values():
        if properties := _properties(column):
            panel = panel.override_by_name(column.title, properties)
    return panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(desc=True)]) if sort_by else panel


def found_traces(frame: Frame, query: Traces) -> table.Panel:
    """Return the traces of a search. The data source links each to its page."""
    return _framed(table.Panel(), frame, (query,))


def buckets(frame: Frame, query: PromQL) -> heatmap.Panel:
    """Return the distribution of a histogram over time."""
    scheme = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    panel = _framed(heatmap.Panel(), frame, (query,)).calculate(calculate=False).color(scheme)
    return panel.y_axis(heatmap.YAxisConfig().unit(frame.unit))


def records(frame: Frame, query: LogsQL) -> logs.Panel:
    """Return log records, newest first."""
    panel = _framed(logs.Panel(), frame, (query,)).show_time(show_time=True).wrap_log_message(wrap_log_message=True)
    return panel.enable_log_details(enable_log_details=True).sort_order(common_models.LogsSortOrder.DESCENDING)


def graph(frame: Frame, query: Traces) -> nodegraph.Panel:
    """Return services and their calls as a graph."""
    return _framed(nodegraph.Panel(), frame, (query,))


def _framed(panel: _AnyPanel, frame: Frame, queries: Sequence[Query]) -> _AnyPanel:
    sources = {PromQL: PROMETHEUS, LogsQL: LOGS, Traces: JAEGER}
    panel.title(frame.title).description(frame.description).span(frame.width).height(frame.height)
    panel.datasource(sources[type(queries[0])])
    for ref_id, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(query.target(ref_id))
    return panel


def _thresholds(frame: Frame) -> dashboard.ThresholdsConfig:
    colors = _COLORS if len(frame.limits) > 1 else (_COLORS[0], _COLORS[2])
    steps = [models.Threshold(value=None, color=colors[0])]
    steps += [
        models.Threshold(value=value, color=color) for value, color in zip(frame.limits, colors[1:], strict=False)
    ]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _links(frame: Frame) -> list[Builder[models.DashboardLink]]:  # a list of builders is invariant
    return [_link(title, address) for title, address in (frame.links or {}).items()]


def _link(title: str, address: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).url(address)


def _properties(column: Column) -> list[models.DynamicConfigValue]:
    found: list[models.DynamicConfigValue] = []
    if column.unit:
        found.append(models.DynamicConfigValue(id_val="unit", value=column.unit))
    if column.links:
        title, address = column.links
        found.append(models.DynamicConfigValue(id_val="links", value=[{"title": title, "url": address}]))
    return found


def _transformation(
    name: Literal["merge", "filterFieldsByName", "organize"], options: dict[str, object]
) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val=name, options=options)
