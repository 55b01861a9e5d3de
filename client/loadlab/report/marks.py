"""What a stage's numbers are worth, in one character: the table, the curve and the live view agree on it."""

from loadlab.analysis.trust import CLIENTS_OWN
from loadlab.result import StageResult, State
from loadlab.terminal_text import one_line
from loadlab.units import show_figure

MARKS = {State.VALID: "", State.SUSPECT: "?", State.INVALID: "!"}


def marked_label(stage: StageResult) -> str:
    """Return the stage's label behind its mark."""
    return f"{MARKS[stage.state]}{one_line(stage.label)}"


def clients_limit(stage: StageResult) -> bool:
    """Tell whether the stage shows what the client could do, and not the target."""
    return any(finding.name in CLIENTS_OWN for finding in stage.findings)


def marked_rate(stage: StageResult) -> str:
    """Return the stage's rate; `≥` where the target might have had more to give."""
    return f"{'≥' if clients_limit(stage) else ''}{show_figure(stage.known_rate_hz)}"
