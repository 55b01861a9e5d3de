"""The files that a forge reads: CI runs what `.ci/run` runs, and a report comes with its result."""

import pytest
import yaml

from support.readme import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"))


def test_the_workflow_runs_what_ci_runs_with_the_machine_that_it_expects():
    (path,) = WORKFLOWS
    (job,) = yaml.safe_load(path.read_text())["jobs"].values()
    run = "\n".join(step.get("run", "") for step in job["steps"])
    assert "bash .ci/run" in run
    assert {"docker.io", "docker-compose", "make", "python3-venv"} <= set(run.split())
    assert job["container"]["image"] == "debian:12", "whose docker-compose is 1.29"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_template_asks_for_the_result(path):
    _, head, body = path.read_text().split("---\n", 2)
    assert {"name", "about"} == yaml.safe_load(head).keys()
    assert "`results/<run id>/result.json`" in body
