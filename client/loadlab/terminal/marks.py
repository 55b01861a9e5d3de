"""What a stage's numbers are worth, in one character: the table, the curve and the live view agree on it."""

from loadlab.analysis.judge_stage import CLIENT_LIMIT_CHECKS
from loadlab.results.result import StageResult, State
from loadlab.system.terminal_text import one_line
from loadlab.units import format_number

MARKS = {State.VALID: "", State.SUSPECT: "?", State.INVALID: "!"}


def marked_label(stage: StageResult) -> str:
    """Return the stage's label behind its mark."""
    return f"{MARKS[stage.state]}{one_line(stage.label)}"


def clients_limit(stage: StageResult) -> bool:
    """Tell whether the stage shows what the client could do, and not the target."""
    return any(finding.name in CLIENT_LIMIT_CHECKS for finding in stage.findings)


def marked_rate(stage: StageResult) -> str:
    """Return the stage's rate; `≥` where the target might have had more to give."""
    return f"{'≥' if clients_limit(stage) else ''}{format_number(stage.known_rate_hz)}"
