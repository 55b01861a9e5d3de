"""The kinds of panels that the dashboards are made of; each has a title, a unit and a description."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
    xychart,
)
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

SOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
NOTHING_YET = "no run in this time range"
WIDTH = 24


class Query(NamedTuple):
    """An expression and what its series are called."""

    expr: str
    legend: str = ""


P = TypeVar(
    "P",
    bargauge.Panel,
    heatmap.Panel,
    stat.Panel,
    statetimeline.Panel,
    table.Panel,
    timeseries.Panel,
    xychart.Panel,
)


def described(panel: P, title: str, description: str, *, unit: str, span: int, height: int = 8) -> P:
    """Give a panel what every panel has."""
    return (
        panel.title(title)
        .description(description)
        .unit(unit)
        .span(span)
        .height(height)
        .no_value(NOTHING_YET)
        .datasource(SOURCE)
    )


def over_time(queries: Sequence[Query]) -> list[Dataquery]:
    """Ask for values over the time range, lettered from A."""
    return [asked_as(letter, query).range() for letter, query in zip("ABCDEFGH", queries, strict=False)]


def at_its_end(queries: Sequence[Query]) -> list[Dataquery]:
    """Ask for one value of each series, as of the end of the time range."""
    return [asked_as(letter, query).instant() for letter, query in zip("ABCDEFGH", queries, strict=False)]


def asked_as(letter: str, query: Query) -> Dataquery:
    """Return a query of the chosen data source, not yet of a kind; its letter may be a word."""
    return (
        Dataquery()
        .ref_id(letter)
        .datasource(SOURCE)
        .editor_mode(QueryEditorMode.CODE)
        .expr(query.expr)
        .legend_format(query.legend)
    )


def limits(*steps: tuple[float, str]) -> ThresholdsConfig:
    """Colour values: green, and from each limit on as it says."""
    colours = [Threshold(value=None, color="green"), *(Threshold(value=at, color=to) for at, to in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(colours)


def words(**named: tuple[str, str]) -> list[ValueMapping]:
    """Show numbers as words: `_0=("idle", "blue")`."""
    options = {
        value.removeprefix("_"): ValueMappingResult(text=word, color=colour, index=place)
        for place, (value, (word, colour)) in enumerate(named.items())
    }
    return [ValueMap(options=options)]


def lines(
    title: str, description: str, queries: Sequence[Query], *, unit: str, span: int = 12
) -> timeseries.Panel:
    """Lines over time, from 0."""
    legend = (
        common.VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(kinds.LegendDisplayMode.TABLE)
        .placement(kinds.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )
    panel = described(timeseries.Panel(), title, description, unit=unit, span=span)
    return (
        panel.targets([*over_time(queries)])
        .min(0)
        .line_width(2)
        .fill_opacity(8)
        .show_points(kinds.VisibilityMode.AUTO)
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
    )


def staircase(panel: timeseries.Panel) -> timeseries.Panel:
    """Draw steps: a value holds until the next."""
    return panel.line_interpolation(kinds.LineInterpolation.STEP_AFTER)


def dashed(panel: timeseries.Panel, *names: str) -> timeseries.Panel:
    """Draw what is a limit and no measurement as a dashed line without a filling."""
    for name in names:
        panel.override_by_name(
            name,
            [
                DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
                DynamicConfigValue("custom.fillOpacity", 0),
            ],
        )
    return panel


def number(title: str, description: str, queries: Sequence[Query], *, unit: str, span: int = 4) -> stat.Panel:
    """Show one value, or a few with their names."""
    panel = described(stat.Panel(), title, description, unit=unit, span=span, height=4)
    return (
        panel.targets([*at_its_end(queries)])
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .thresholds(limits())
    )


def bars(
    title: str, description: str, queries: Sequence[Query], *, unit: str, span: int = 12
) -> bargauge.Panel:
    """Show a bar for each series."""
    panel = described(bargauge.Panel(), title, description, unit=unit, span=span)
    return (
        panel.targets([*at_its_end(queries)])
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .min(0)
        .thresholds(limits())
    )


def states(
    title: str, description: str, query: Query, mappings: list[ValueMapping], *, span: int = WIDTH
) -> statetimeline.Panel:
    """Show which state held when."""
    panel = described(statetimeline.Panel(), title, description, unit="none", span=span, height=5)
    return panel.targets([*over_time([query])]).mappings(mappings)


def heat(title: str, description: str, query: Query, *, unit: str, span: int = WIDTH) -> heatmap.Panel:
    """Show a histogram's buckets over time."""
    panel = described(heatmap.Panel(), title, description, unit="reqps", span=span, height=9)
    [asked] = over_time([query])
    return (
        panel.targets([asked.format(PromQueryFormat.HEATMAP)])
        .calculate(calculate=False)
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Spectral").steps(64))
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .cell_values(heatmap.CellValues().unit("reqps"))
        .show_legend()
    )


def advice(content: str, *, height: int = 5) -> text.Panel:
    """Say how a dashboard is read."""
    return (
        text.Panel()
        .title("How to read this")
        .description("What the panels answer, and in which order.")
        .span(WIDTH)
        .height(height)
        .content(content)
    )
