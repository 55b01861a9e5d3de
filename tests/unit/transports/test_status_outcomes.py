"""The outcome of a status is the plan's word."""

from loadlab.recording.sample import Outcome
from loadlab.transports.status_outcomes import Verdicts
from loadlab.workload.plan import Plan, Request, Stage, StatusRange
from loadlab.workload.traits import Workload


def test_a_status_is_ok_where_the_plan_expects_it():
    plan = Plan(
        scenario="task",
        transport="aiohttp",
        workload=Workload.CLOSED,
        target="http://localhost/",
        requests=(Request(url="http://localhost/"),),
        stages=(Stage(concurrency=1),),
        expect_status=(StatusRange(200, 204), StatusRange(418, 418)),
    )
    verdicts = Verdicts(plan)

    assert {status: verdicts[status] for status in (200, 204, 205, 301, 418, 500)} == {
        200: Outcome.OK,
        204: Outcome.OK,
        205: Outcome.HTTP_ERROR,
        301: Outcome.HTTP_ERROR,
        418: Outcome.OK,
        500: Outcome.HTTP_ERROR,
    }
