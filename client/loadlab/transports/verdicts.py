"""What the transports share when they name an outcome, so that they can't name it differently.

`status` and `body_bytes` are of complete responses only: a reply that is not `ok` or `http_error`
has 0 for both, however much of it had arrived.
"""

from typing import Final

from loadlab.plan import Plan
from loadlab.sample import Outcome, Reply

TIMED_OUT: Final = Reply(Outcome.TIMEOUT)
NOT_CONNECTED: Final = Reply(Outcome.CONNECT_ERROR)
BROKEN: Final = Reply(Outcome.PROTOCOL_ERROR)


class Verdicts(dict[int, Outcome]):
    """The outcome of each status as the plan expects it; a status is judged once, then looked up."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def __missing__(self, status: int) -> Outcome:
        outcome = self[status] = Outcome.OK if self._plan.expects(status) else Outcome.HTTP_ERROR
        return outcome
