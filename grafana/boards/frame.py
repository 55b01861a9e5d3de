"""What all dashboards share: variables, links, annotations, and how they are written to a file."""

import json
from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from boards.panels import SOURCE
from boards.queries import of_runs

TAG = "loadlab"
DATA_SOURCE_UID = "prometheus"
STEP = "5s"
"""Of annotations: events that are no further apart than this are one region."""


def board(
    uid: str, title: str, description: str, rows: Sequence[tuple[str, Sequence[Builder[Panel]]]]
) -> bytes:
    """Return a dashboard's file: rows of panels under titles; the first row needs none."""
    made = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .time("now-5m", "now")
        .refresh("2s")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .variables([_source(), _scenario(), _run()])
        .annotations([_began(), _active(), _ended(), _alerts()])
        .links([_others()])
    )
    for heading, panels in rows:
        if heading:
            made.with_row(Row(heading))
        for panel in panels:
            made.with_panel(panel)
    built = made.build()
    for number, placed in enumerate(built.panels or [], start=1):
        placed.id_val = number
    document = json.loads(json.dumps(built, cls=JSONEncoder))
    for shown in (*document["links"], *document["annotations"]["list"]):
        del shown["placement"]  # the SDK's default hides them in a menu; without one they stand on top
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _others() -> DashboardLink:
    return (
        DashboardLink("The other dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _source() -> DatasourceVariable:
    return (
        DatasourceVariable("datasource")
        .label("Data source")
        .description("The Prometheus that scrapes client and target.")
        .type("prometheus")
        .current(VariableOption(text="Prometheus", value=DATA_SOURCE_UID))
    )


def _scenario() -> QueryVariable:
    return _chosen(
        "scenario", "Scenario", "How concurrency comes about in the client.", 'loadlab_run_state{run!=""}'
    ).sort(VariableSort.ALPHABETICAL_ASC)


def _run() -> QueryVariable:
    return _chosen(
        "run",
        "Run",
        "Runs of the time range, the newest first. All of them follows whichever run is going on.",
        'loadlab_run_state{run!="", scenario=~"$scenario"}',
    ).sort(VariableSort.ALPHABETICAL_DESC)


def _chosen(name: str, label: str, description: str, series: str) -> QueryVariable:
    asked = f"label_values({series}, {name})"
    return (
        QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(SOURCE)
        .query({"qryType": 1, "query": asked, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .definition(asked)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".+")
        .current(VariableOption(text=["All"], value=["$__all"]))
    )


def _annotation(name: str, expr: str, colour: str, title: str, tags: str = "") -> AnnotationQuery:
    """Return an annotation; newer versions of Grafana read its target, older ones its expression and step."""
    asked = Dataquery().ref_id("Anno").expr(expr).range()
    return (
        AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color(colour)
        .target(asked)
        .expr(expr)
        .step(STEP)
        .title_format(title)
        .tag_keys(tags)
    )


def _began() -> AnnotationQuery:
    moment_ms = _moment_ms("loadlab_run_began_timestamp_seconds", "run, scenario")
    return _annotation("Runs", moment_ms, "blue", "run {{run}} began", "scenario").use_value_for_time(
        use_value_for_time=True
    )


def _active() -> AnnotationQuery:
    active = of_runs("loadlab_run_state", 'state="measuring"')
    measuring = f"max by (run) (max_over_time({active}[$__interval]))"
    return _annotation("Measuring", measuring, "rgba(115, 191, 105, 0.3)", "{{run}} is measuring")


def _ended() -> AnnotationQuery:
    moment_ms = _moment_ms("loadlab_stage_ended_timestamp_seconds", "run, stage, concurrency")
    return _annotation(
        "Stages", moment_ms, "orange", "stage {{stage}} ended", "concurrency"
    ).use_value_for_time(use_value_for_time=True)


def _moment_ms(metric: str, labels: str) -> str:
    """Give the moments that a metric tells, in milliseconds, where they lie in the time range.

    A run stays exposed until the next begins, so what is shown in the range may have been before it.
    """
    return f"1000 * max by ({labels}) (max_over_time({of_runs(metric)}[$__interval])) >= $__from"


def _alerts() -> AnnotationQuery:
    firing = 'max by (alertname) (ALERTS{alertstate="firing"})'
    return _annotation("Alerts", firing, "red", "{{alertname}}")
