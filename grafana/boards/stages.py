"""Panels of finished stages: charts against concurrency, and a table.

A chart joins two instant queries into one table, by the labels `series` and `stage`, and splits it again by
series: each series then has its own x and y without holes, which an XY chart would draw as zeros. The columns
are named by Grafana after the query's letter, `Value #…`; here the letter is a word.
"""

from typing import NamedTuple

from grafana_foundation_sdk.builders import common, table, xychart
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.xychart import SeriesMapping, XYShowMode

from boards.panels import WIDTH, Query, asked_as, described
from boards.queries import of_stages


class Figure(NamedTuple):
    """A figure of a stage: its metric, the column that it becomes, and its unit."""

    metric: str
    column: str
    unit: str
    matcher: str = ""

    @property
    def expr(self) -> str:
        """The figure of every finished stage of the chosen runs."""
        return of_stages(self.metric, *filter(None, [self.matcher]))


CONCURRENCY = Figure("loadlab_stage_concurrency", "concurrency", "none")
IN_FLIGHT = Figure("loadlab_stage_in_flight_mean", "in flight", "none")
THROUGHPUT = Figure("loadlab_stage_throughput_requests_per_second", "throughput", "reqps")
P50, P95, P99 = (
    Figure("loadlab_stage_latency_seconds", f"p{name}", "s", f'quantile="{value}"')
    for name, value in (("50", "0.5"), ("95", "0.95"), ("99", "0.99"))
)
ERRORS = Figure("loadlab_stage_error_ratio", "errors", "percentunit")
OF_BOUND = Figure("loadlab_stage_bound_ratio", "of the bound", "percentunit")


def against(
    x: Figure, y: Figure, title: str, description: str, *, x_axis: str, span: int = 12
) -> xychart.Panel:
    """Draw a figure against another, a series for each scenario and run, the client's limits in red."""
    panel = described(xychart.Panel(), title, description, unit=y.unit, span=span, height=10)
    where_told = f"({x.expr}) and on (run, stage) ({y.expr})"
    return (
        panel.targets([_series(x.column, where_told), _series(y.column, y.expr)])
        .transformations(
            [
                DataTransformerConfig(id_val="merge", options={}),
                DataTransformerConfig(
                    id_val="sortBy", options={"fields": {}, "sort": [{"field": _column(x)}]}
                ),
                DataTransformerConfig(id_val="partitionByValues", options={"fields": ["series"]}),
            ]
        )
        .mapping(SeriesMapping.AUTO)
        .series(
            [
                xychart.XYSeriesConfig()
                .x(xychart.XychartXYSeriesConfigX().matcher(_axis(x)))
                .y(xychart.XychartXYSeriesConfigY().matcher(_axis(y)))
            ]
        )
        .show(XYShowMode.POINTS_AND_LINES)
        .point_size(xychart.XychartFieldConfigPointSize().fixed(8))
        .line_width(2)
        .axis_label(y.column)
        .axis_soft_min(0)
        .override_by_name(
            _column(x),
            [
                DynamicConfigValue("displayName", x.column),
                DynamicConfigValue("unit", x.unit),
                DynamicConfigValue("custom.axisLabel", x_axis),
                DynamicConfigValue("custom.scaleDistribution", {"type": "log", "log": 2}),
            ],
        )
        .override_by_regexp(
            "/client limit/",
            [
                DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "red"}),
                DynamicConfigValue("custom.show", XYShowMode.POINTS),
                DynamicConfigValue("custom.pointShape", "square"),
            ],
        )
        .legend(
            common.VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(kinds.LegendDisplayMode.LIST)
            .placement(kinds.LegendPlacement.BOTTOM)
        )
    )


def _series(column: str, expr: str) -> Dataquery:
    named = f'label_join({expr}, "series", " ", "scenario", "run", "worth")'
    query = Query(f"max by (series, stage) ({named})")
    return asked_as(column, query).instant().format(PromQueryFormat.TABLE)


def _column(figure: Figure) -> str:
    return f"Value #{figure.column}"


def _axis(figure: Figure) -> xychart.MatcherConfig:
    return xychart.MatcherConfig().id("byName").options(_column(figure))


def overview(title: str, description: str, *, height: int = 9) -> table.Panel:
    """Tabulate every finished stage of the chosen runs."""
    figures = [CONCURRENCY, THROUGHPUT, P50, P95, P99, ERRORS, OF_BOUND, IN_FLIGHT]
    panel = described(table.Panel(), title, description, unit="short", span=WIDTH, height=height)
    panel.targets(
        [
            asked_as(figure.column, Query(figure.expr)).instant().format(PromQueryFormat.TABLE)
            for figure in figures
        ]
    )
    order = ["run", "scenario", "stage", *map(_column, figures), "worth"]
    panel.transformations(
        [
            DataTransformerConfig(id_val="merge", options={}),
            DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": {name: place for place, name in enumerate(order)},
                    "renameByName": {_column(figure): figure.column for figure in figures},
                },
            ),
        ]
    )
    panel.sort_by(
        [
            common.TableSortByFieldState().display_name("run").desc(desc=True),
            common.TableSortByFieldState().display_name("stage"),
        ]
    )
    for figure in figures:
        panel.override_by_name(
            figure.column,
            [DynamicConfigValue("unit", figure.unit), DynamicConfigValue("decimals", 1)],
        )
    return panel
