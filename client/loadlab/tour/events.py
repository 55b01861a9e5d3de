"""What the tour tells while it goes on; `show` draws it."""

from collections.abc import Callable

import msgspec

from loadlab.tour.timeline import Part

_FAR = 0.25


class Prediction(msgspec.Struct, frozen=True):
    """How long something should take, and why; without a figure where plain arithmetic has none."""

    ns: float | None
    because: str
    is_least: bool = False
    """Whether it takes this long or longer."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction and its measurement: a line of the closing table."""

    number: int
    """Of the step."""
    label: str
    prediction: Prediction
    measured_ns: int

    @property
    def is_far(self) -> bool:
        """Whether the measurement contradicts its prediction by more than a quarter."""
        predicted_ns = self.prediction.ns
        if predicted_ns is None:
            return False
        if self.prediction.is_least and self.measured_ns > predicted_ns:
            return False
        return abs(self.measured_ns - predicted_ns) > predicted_ns * _FAR


class Began(msgspec.Struct, frozen=True):
    """The tour begins; it takes every step."""

    delay_ns: int
    folder: str
    """Where the programs of the steps are."""


class StepBegan(msgspec.Struct, frozen=True, kw_only=True):
    """A step is on."""

    number: int
    title: str
    idea: str
    file: str
    code: str


class Predicted(msgspec.Struct, frozen=True):
    """What should come out; the program starts."""

    where: str
    """Which server it calls; empty for the one of most steps."""
    names: tuple[str, ...]
    """Of the parts of the program; empty for the only one."""
    predictions: tuple[Prediction, ...]


class Seen(msgspec.Struct, frozen=True):
    """A line that the program printed for people."""

    text: str


class Measured(msgspec.Struct, frozen=True):
    """What came out."""

    parts: tuple[Part, ...]
    rows: tuple[Row, ...]


class StepEnded(msgspec.Struct, frozen=True):
    """A step is over."""

    remember: str


class Closed(msgspec.Struct, frozen=True):
    """The tour is over."""

    rows: tuple[Row, ...]
    took_ns: int
    is_more: bool = False
    """Whether the further steps were left out."""


Event = Began | StepBegan | Predicted | Seen | Measured | StepEnded | Closed
Tell = Callable[[Event], None]
