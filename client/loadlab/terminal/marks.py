"""What a stage's numbers are worth, in one character: the table, the curve and the live view agree on it."""

from loadlab.analysis.together import MARKS
from loadlab.results.result import StageResult
from loadlab.system.terminal_text import one_line
from loadlab.units import format_number


def marked_label(stage: StageResult) -> str:
    """Return the stage's label behind its mark."""
    return f"{MARKS[stage.state]}{one_line(stage.label)}"


def marked_rate(stage: StageResult) -> str:
    """Return the stage's rate; `≥` where the target might have had more to give."""
    return f"{'≥' if stage.client_limited else ''}{format_number(stage.known_rate_hz)}"
