"""The dashboards are what the code makes, keep the rules, and are provisioned as Grafana documents it."""

import copy
import re

import jsonschema
import pytest
import yaml

from boards.__main__ import BOARDS
from support.dashboards import FILES, FOLDER, asked, complaints, loaded, metrics, panels, recorded
from support.promtool import ROOT

PROVISIONING = ROOT / "grafana" / "provisioning"
DOCUMENTED = ROOT / "docs" / "metrics.md"


def known():
    """Every series that a dashboard may name: what is documented, and what rules record."""
    documented = set(re.findall(r"\b(?:loadlab|target)_[a-z0-9_]+", DOCUMENTED.read_text()))
    of_histograms = {f"{name}_{part}" for name in documented for part in ("bucket", "sum", "count")}
    return documented | of_histograms | recorded() | {"ALERTS"}


@pytest.fixture(params=sorted(BOARDS))
def board(request):
    return copy.deepcopy(loaded()[request.param])


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_dashboards_file_is_what_its_code_makes(name):
    assert (FOLDER / f"{name}.json").read_bytes() == BOARDS[name](), "run `make dashboards`"


def test_there_is_no_other_dashboard():
    assert {path.stem for path in FILES} == set(BOARDS)


def test_a_dashboard_keeps_every_rule(board):
    assert complaints(board, known()) == []


def first(board, kind="timeseries"):
    return next(panel for panel in panels(board) if panel["type"] == kind)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: b.update(__inputs=[]), "can't be provisioned"),
        (lambda b: first(b).update(datasource={"uid": "${DS_PROMETHEUS}"}), "can't be provisioned"),
        (lambda b: b["templating"]["list"].pop(0), "a variable is missing"),
        (lambda b: b["templating"]["list"][1].pop("description"), "has no label or description"),
        (lambda b: first(b).update(id=1), "ids are not unique"),
        (lambda b: first(b).pop("id"), "ids are not unique"),
        (lambda b: b["panels"].remove(first(b, "text")), "no panel says how it is read"),
        (lambda b: b.pop("links"), "does not lead to the others"),
        (lambda b: first(b).update(title=first(b, "stat")["title"]), "two panels have one title"),
        (lambda b: first(b).pop("description"), "no title or description"),
        (lambda b: first(b).update(targets=[]), "asks nothing"),
        (lambda b: first(b)["fieldConfig"]["defaults"].pop("unit"), "has no unit"),
        (lambda b: first(b)["fieldConfig"]["defaults"].pop("noValue"), "what it means that there is nothing"),
        (lambda b: first(b)["targets"][0].update(datasource={"uid": "x"}), "the chosen data source"),
        (lambda b: ask(b, "sum(target_no_such_thing)"), "nobody tells target_no_such_thing"),
        (lambda b: ask(b, "sum(rate(target_requests_total[1m]))"), "a rate over 1m"),
        (lambda b: ask(b, "rate(sum(target_requests_total)[5s:])"), "aggregated before its rate"),
        (lambda b: ask(b, 'avg(loadlab_stage_latency_seconds{quantile="0.5"})'), "an average of percentiles"),
        (lambda b: ask(b, "sum(target_requests_total)"), "is a counter"),
        (
            lambda b: ask(b, "histogram_quantile(0.5, rate(target_queue_seconds_bucket[$__rate_interval]))"),
            "not added up by le",
        ),
    ],
)
def test_a_dashboard_that_breaks_a_rule_would_be_found(spoil, said):
    board = copy.deepcopy(loaded()["run"])
    spoil(board)
    assert any(said in complaint for complaint in complaints(board, known()))


def ask(board, expr):
    first(board)["targets"][0]["expr"] = expr


def test_the_three_name_each_other_by_a_tag_of_all_and_have_uids_of_their_own():
    boards = loaded().values()
    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == 3
    for board in boards:
        [link] = board["links"]
        assert link["type"] == "dashboards"
        assert all(set(link["tags"]) <= set(other["tags"]) for other in boards)
        assert link["includeVars"]
        assert link["keepTime"]


def test_every_client_metric_of_finished_stages_is_asked_for_in_the_whole_time_range():
    found = [
        (name, query.expr)
        for board in loaded().values()
        for query in asked(board)
        for name in metrics(query.expr)
        if name.startswith("loadlab_stage_") and not query.is_annotation
    ]
    assert len(found) > 20
    assert [expr for name, expr in found if f"last_over_time({name}{{" not in expr] == []


def test_what_counts_as_the_targets_capacity_leaves_out_stages_that_the_client_limited():
    capacity = [
        q
        for q in asked(loaded()["concurrency"])
        if q.panel in {"Highest throughput", "Lowest median latency"}
    ]
    assert len(capacity) == 2
    assert all("unless on (run, stage) (last_over_time(loadlab_stage_invalid{" in q.expr for q in capacity)


# Grafana's documentation, "Provision Grafana" (docs/sources/administration/provisioning): the keys of each
# file, which of them are required, and what they hold. A key that is not in it is taken for a mistake.
TEXT, FLAG, NUMBER = {"type": "string", "minLength": 1}, {"type": "boolean"}, {"type": "integer"}


def mapping(required, **optional):
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": required | optional,
    }


DATA_SOURCES = mapping(
    {
        "apiVersion": {"const": 1},
        "datasources": {
            "type": "array",
            "items": mapping(
                {"name": TEXT, "type": TEXT, "access": {"enum": ["proxy", "direct"]}},
                uid={"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"},
                orgId=NUMBER,
                url=TEXT,
                isDefault=FLAG,
                editable=FLAG,
                version=NUMBER,
                jsonData=mapping(
                    {},
                    timeInterval={"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
                    httpMethod={"enum": ["GET", "POST"]},
                    prometheusType={"enum": ["Prometheus", "Cortex", "Mimir", "Thanos"]},
                    prometheusVersion=TEXT,
                    manageAlerts=FLAG,
                ),
            ),
        },
    },
    prune=FLAG,
)
PROVIDERS = mapping(
    {
        "apiVersion": {"const": 1},
        "providers": {
            "type": "array",
            "items": mapping(
                {
                    "name": TEXT,
                    "options": mapping({"path": TEXT}, foldersFromFilesStructure=FLAG),
                },
                orgId=NUMBER,
                folder={"type": "string"},
                folderUid={"type": "string"},
                type={"const": "file"},
                disableDeletion=FLAG,
                updateIntervalSeconds=NUMBER,
                allowUiUpdates=FLAG,
            ),
        },
    }
)


@pytest.mark.parametrize(("folder", "schema"), [("datasources", DATA_SOURCES), ("dashboards", PROVIDERS)])
def test_provisioning_files_have_the_documented_form(folder, schema):
    files = sorted((PROVISIONING / folder).glob("*.yml"))
    assert files
    for path in files:
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)


def provisioned(folder, key):
    [path] = (PROVISIONING / folder).glob("*.yml")
    [only] = yaml.safe_load(path.read_text())[key]
    return only


def test_the_data_source_is_the_one_that_dashboards_start_with_and_knows_how_often_it_is_scraped():
    source = provisioned("datasources", "datasources")
    scraped = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())["global"][
        "scrape_interval"
    ]
    assert source["jsonData"]["timeInterval"] == scraped
    for board in loaded().values():
        chosen = next(v for v in board["templating"]["list"] if v["name"] == "datasource")
        assert (chosen["type"], chosen["query"], chosen["current"]["value"]) == (
            "datasource", source["type"], source["uid"],
        )  # fmt: skip


def test_compose_gives_grafana_what_it_needs_and_nothing_that_it_could_change():
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    settings = service["environment"]
    mounts = dict(volume.split(":", 1) for volume in service["volumes"])
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning:ro"
    where = provisioned("dashboards", "providers")["options"]["path"]
    assert mounts["./grafana/dashboards"] == f"{where}:ro"
    assert settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{where}/run.json"
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert not [name for name in settings if "PASSWORD" in name or "SECRET" in name]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    refreshed = {int(board["refresh"].removesuffix("s")) for board in loaded().values()}
    assert min(refreshed) >= int(settings["GF_DASHBOARDS_MIN_REFRESH_INTERVAL"].removesuffix("s"))


def test_make_up_recreates_grafana_when_one_of_its_files_changes():
    script = (ROOT / "scripts" / "up.sh").read_text()
    assert "GRAFANA_FILES=$(checksum grafana/provisioning grafana/dashboards)" in script
