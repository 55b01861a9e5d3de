"""A run of one stage that is a means to an end: its result, or an error that says why there is none."""

from loadlab.analysis import judge_run
from loadlab.errors import ClientError, EarlyStopError, LabError, TargetError
from loadlab.fleet.stop import Control
from loadlab.results.result import RunResult
from loadlab.runs.run import Run
from loadlab.scenarios import scenario
from loadlab.targets import Host, Target
from loadlab.workload.plan import Plan


async def probe(plan: Plan, host: Host, target: Target, control: Control) -> RunResult:
    """Run a plan of one stage as `loadlab run` does; raise LabError if it has no result.

    A client that is full is not held against it: the probe may be about that.
    """
    plan = plan.with_target(target.url, target.address)
    traits = scenario(plan.scenario).TRAITS
    assert not (problems := plan.problems(traits)), problems
    run = Run(
        run_id="probe",
        plan=plan,
        traits=traits,
        host=host,
        target=target,
        control=control,
        tell=lambda _: None,
    )
    result = await run.run()
    if result.interrupted:
        raise EarlyStopError("interrupted; the target is stopped")
    lost = result.target_lost or await host.lost()
    if lost is not None:
        raise TargetError(lost)
    if result.failure is not None:
        raise LabError(f"an error of loadlab's own ended the measurement:\n{result.failure}")
    if not judge_run.holds_together(result.checks):
        findings = [finding.message for stage in result.stages for finding in stage.findings]
        raise ClientError("; ".join(findings) or f"{plan.scenario}: not a single request ended ok")
    return result
