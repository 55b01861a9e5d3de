"""What the tour tells while it goes on; `show` makes something to look at of it."""

from collections.abc import Callable

import msgspec

_FAR = 0.10


class Prediction(msgspec.Struct, frozen=True):
    """How long something should take, and of which figures that was computed."""

    ns: float
    because: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction beside its measurement: a line of the closing table."""

    number: int
    """Of the step."""
    label: str
    predicted_ns: float
    measured_ns: int
    errors: int = 0
    """Requests of the measurement that did not end well."""

    @property
    def ratio(self) -> float:
        """Measured by predicted."""
        return self.measured_ns / self.predicted_ns

    @property
    def is_far(self) -> bool:
        """Whether the measurement is more than 10 % away from its prediction."""
        return abs(self.measured_ns - self.predicted_ns) > self.predicted_ns * _FAR


class StepBegan(msgspec.Struct, frozen=True, kw_only=True):
    """A step is on."""

    number: int
    title: str
    idea: str
    code: str


class Noted(msgspec.Struct, frozen=True):
    """A figure that was found out for the predictions: by measuring, before what it predicts."""

    text: str


class Seen(msgspec.Struct, frozen=True):
    """A line of what was observed."""

    text: str


class Predicted(msgspec.Struct, frozen=True):
    """What should come out; the measurement begins."""

    label: str
    prediction: Prediction


class Measured(msgspec.Struct, frozen=True):
    """What came out."""

    row: Row


class StepEnded(msgspec.Struct, frozen=True):
    """A step is over."""

    remember: str


class Closed(msgspec.Struct, frozen=True):
    """The tour is over."""

    rows: tuple[Row, ...]
    took_ns: int


Event = StepBegan | Noted | Seen | Predicted | Measured | StepEnded | Closed
Tell = Callable[[Event], None]
