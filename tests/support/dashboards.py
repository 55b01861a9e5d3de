"""What stands in the provisioned dashboards, and the rules that each must keep."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from support.promtool import ROOT

FOLDER = ROOT / "grafana" / "dashboards"
FILES = sorted(FOLDER.glob("*.json"))
WITHOUT_QUERY = {"row", "text"}
METRIC = re.compile(r"\b(?:loadlab|target)[_:][a-z0-9_:]+|\bALERTS\b")
RATE = re.compile(r"\b(?:i?rate|increase)\((?P<of>[a-z_:]+)(?P<matchers>\{[^}]*\})?\[(?P<range>[^]]+)\]")
AGGREGATION_IN_RATE = re.compile(r"\b(?:i?rate|increase)\(\s*(?:sum|max|min|avg|count)\b")
PERCENTILE_OF_PERCENTILES = re.compile(
    r"\bavg[^(]*(?:by \([^)]*\) )?\([^()]*(?:histogram_quantile|:p\d\d|quantile=)"
)


class Asked(NamedTuple):
    """A query of a dashboard; `panel` is the title of its panel, or the name of an annotation."""

    board: str
    panel: str
    letter: str
    expr: str
    instant: bool
    is_annotation: bool = False
    step: str | None = None

    def __str__(self) -> str:
        return f"{self.board} / {self.panel} / {self.letter}"


def loaded() -> dict[str, dict[str, Any]]:
    """Every provisioned dashboard, by the name of its file."""
    return {path.stem: json.loads(path.read_text()) for path in FILES}


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels, those in rows included."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels") or []


def asked(board: dict[str, Any]) -> Iterator[Asked]:
    """All queries of panels, then those of annotations."""
    for panel in panels(board):
        for target in panel.get("targets") or []:
            yield Asked(
                board=board["title"],
                panel=panel["title"],
                letter=target["refId"],
                expr=target["expr"],
                instant=target.get("instant") is True,
            )
    for note in board["annotations"]["list"]:
        yield Asked(
            board=board["title"],
            panel=note["name"],
            letter="Anno",
            expr=note["expr"],
            instant=False,
            is_annotation=True,
            step=note["step"],
        )


def recorded() -> set[str]:
    """The names that recording rules give."""
    files = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def metrics(expr: str) -> set[str]:
    """The metrics and recorded series that an expression names."""
    return set(METRIC.findall(expr))


def complaints(board: dict[str, Any], known: set[str]) -> list[str]:
    """What breaks a rule: one sentence each."""
    return [*_of_the_board(board), *_of_panels(board), *_of_queries(board, known)]


def _of_the_board(board: dict[str, Any]) -> Iterator[str]:
    text = json.dumps(board)
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    if "__inputs" in board or "${DS_" in text:
        yield "it can't be provisioned from a file: it has __inputs or ${DS_…}"
    if {"datasource", "scenario", "run"} - set(variables):
        yield "a variable is missing of datasource, scenario, run"
    for name, variable in variables.items():
        if not (variable.get("label") and variable.get("description")):
            yield f"the variable {name} has no label or description"
    ids = [panel.get("id") for panel in panels(board)]
    if None in ids or len(set(ids)) < len(ids):
        yield "panel ids are not unique"
    if not any(panel["type"] == "text" for panel in panels(board)):
        yield "no panel says how it is read"
    if not any(link.get("tags") and link.get("includeVars") for link in board.get("links") or []):
        yield "it does not lead to the others"
    titles = [panel["title"] for panel in panels(board) if panel["type"] != "row"]
    if len(set(titles)) < len(titles):
        yield "two panels have one title"


def _of_panels(board: dict[str, Any]) -> Iterator[str]:
    for panel in panels(board):
        if panel["type"] == "row":
            continue
        title = panel.get("title")
        if not title or not panel.get("description"):
            yield f"a panel has no title or description: {title or panel['id']}"
        if panel["type"] in WITHOUT_QUERY:
            continue
        if not panel.get("targets"):
            yield f"{title} asks nothing"
        defaults = panel["fieldConfig"]["defaults"]
        if not defaults.get("unit"):
            yield f"{title} has no unit"
        if not defaults.get("noValue"):
            yield f"{title} does not say what it means that there is nothing"
        sources = [
            panel.get("datasource"),
            *(target.get("datasource") for target in panel.get("targets", [])),
        ]
        if any(source != {"type": "prometheus", "uid": "${datasource}"} for source in sources):
            yield f"{title} does not ask the chosen data source"


def _of_queries(board: dict[str, Any], known: set[str]) -> Iterator[str]:
    for query in asked(board):
        for name in sorted(metrics(query.expr) - known):
            yield f"{query}: nobody tells {name}"
        for found in RATE.finditer(query.expr):
            allowed = {"$__rate_interval"} | ({"$__range"} if query.instant else set())
            if found["range"] not in allowed:
                yield f"{query}: a rate over {found['range']}"
        if AGGREGATION_IN_RATE.search(query.expr):
            yield f"{query}: aggregated before its rate"
        if PERCENTILE_OF_PERCENTILES.search(query.expr):
            yield f"{query}: an average of percentiles"
        for name in metrics(query.expr):
            is_counter = name.endswith(("_total", "_bucket", "_sum", "_count"))
            bare = re.search(rf"(?<!rate\()(?<!increase\()(?<!last_over_time\(){name}\b", query.expr)
            if is_counter and bare:
                yield f"{query}: {name} is a counter and is asked for neither its rate nor a run's total"
        if "histogram_quantile" in query.expr and not re.search(r"sum by \([a-z, ]*\ble\)", query.expr):
            yield f"{query}: a percentile of buckets that were not added up by le"
