"""Declarations of a program → dashboard of Grafana, as JSON."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from flext_observability.wire.grafana.panels import PROMETHEUS, panels

if TYPE_CHECKING:
    from flext_observability.domain.declaration import Declarations, DeclaredInstrument

_TAGS: Final = ["flext-observability", "generated"]
_ALL: Final = "$__all"


def dashboard_json(declared: Declarations, title: str, uid: str, service: str) -> str:
    """Return the text of a dashboard file. The same declarations give the same text.

    Args:
        declared: Declarations with at least one instrument.
        title: Title.
        uid: Unique id in Grafana.
        service: Service that is selected at first; empty for all.
    """
    built = (
        builders.Dashboard(title)
        .uid(uid)
        .description("Generated from the instruments that the program declares: do not edit.")
        .tags(_TAGS)
        .readonly()
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(_variable("service", "Service", "label_values(target_info, service_name)", service))
        .with_variable(
            _variable("instance", "Instance", 'label_values(target_info{service_name=~"$service"}, instance)', "")
        )
    )
    instruments = sorted(declared.instruments.values(), key=lambda each: each.name)
    for prefix, group in groupby(instruments, key=_prefix):
        built = built.with_row(builders.Row(prefix))
        for instrument in group:
            for panel in panels(instrument, native_histograms=declared.native_histograms):
                built = built.with_panel(panel)
    return json.dumps(built.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _prefix(instrument: DeclaredInstrument) -> str:
    """Return the first part of the name, under which panels are grouped."""
    return instrument.name.partition(".")[0]


def _variable(name: str, label: str, query: str, selected: str) -> builders.QueryVariable:
    current = models.VariableOption(
        text=[selected] if selected else ["All"], value=[selected] if selected else [_ALL], selected=True
    )
    return (
        builders.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(models.DataSourceRef(type_val="prometheus", uid=PROMETHEUS.uid))
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(current)
    )
