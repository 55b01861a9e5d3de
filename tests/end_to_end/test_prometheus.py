"""Prometheus's configuration and rules, held against promtool, and each rule against its unit tests."""

import re

import pytest
import yaml

from support.dashboards import asked, loaded
from support.promtool import GENERATIONS, ROOT, promtool

FOLDER = ROOT / "prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
TEST_FILES = sorted((FOLDER / "tests").glob("*.yml"))


def rules(kind):
    groups = [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def cases(kind):
    return [
        case
        for path in TEST_FILES
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get(kind, [])
    ]


RECORDS = [rule["record"] for rule in rules("record")]
ALERTS = {rule["alert"]: rule for rule in rules("alert")}


@pytest.mark.quick
@pytest.mark.parametrize("generation", GENERATIONS)
def test_promtool_accepts_the_configuration_and_all_rules(generation):
    checked = promtool("check", "config", "prometheus/prometheus.yml", generation=generation)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULE_FILES)} rule files found" in checked.stdout


@pytest.mark.quick
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_every_rule_does_what_its_unit_tests_say(path, generation):
    tested = promtool("test", "rules", str(path.relative_to(ROOT)), generation=generation)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("name", RECORDS)
def test_every_recording_rule_is_tested_with_a_value_and_without(name):
    named = re.compile(rf"(?<![\w:]){name}(?![\w:])")
    asked = [case for case in cases("promql_expr_test") if named.search(case["expr"])]
    values = [sample["value"] for case in asked for sample in case["exp_samples"]]
    assert any(values)
    assert 0 in values or any(not case["exp_samples"] for case in asked)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tested_firing_and_not_firing(name):
    outcomes = [bool(case["exp_alerts"]) for case in cases("alert_rule_test") if case["alertname"] == name]
    assert set(outcomes) == {True, False}


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_is_wrong_and_what_that_means_and_comes_within_seconds(name):
    alert = ALERTS[name]
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["description"].endswith(".")
    assert alert["labels"]["severity"] in {"info", "warning"}
    assert int(alert.get("for", "0s").removesuffix("s")) <= 3


def test_target_and_client_are_scraped_every_second():
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert config["global"]["scrape_interval"] == config["global"]["evaluation_interval"] == "1s"
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert jobs == {"target": ["target:9100"], "client": ["client:9200"]}


def test_no_rule_and_no_panel_names_a_bucket_because_the_generations_write_its_end_differently():
    expressions = [rule["expr"] for rule in (*rules("record"), *rules("alert"))]
    expressions += [query.expr for board in loaded().values() for query in asked(board)]
    assert [expr for expr in expressions if re.search(r"\ble\s*[=!]", expr)] == []
