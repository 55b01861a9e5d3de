"""What a journeys file declares: functions with a mark, which stay ordinary functions."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, overload

import msgspec

if TYPE_CHECKING:
    from loadlab.journeys.user import User

Act = Callable[["User"], Awaitable[None]]
_A = TypeVar("_A", bound=Act)
_MARK = "__loadlab__"


class Journey(msgspec.Struct, frozen=True):
    """What a user does again and again, as often as its weight says."""

    weight: float = 1.0


class Setup(msgspec.Struct, frozen=True):
    """What a user does once, before its first journey."""


class Teardown(msgspec.Struct, frozen=True):
    """What a user does once, after its last journey."""


Mark = Journey | Setup | Teardown


@overload
def journey(act: _A, /) -> _A: ...
@overload
def journey(*, weight: float = 1.0) -> Callable[[_A], _A]: ...
def journey(act: Act | None = None, /, *, weight: float = 1.0) -> object:
    """Declare a journey: users take part in each in proportion to its weight, which is more than 0."""
    return _mark(act, Journey(weight))


@overload
def setup(act: _A, /) -> _A: ...
@overload
def setup() -> Callable[[_A], _A]: ...
def setup(act: Act | None = None, /) -> object:
    """Declare what each user does once before its first journey, such as logging in; it is not measured."""
    return _mark(act, Setup())


@overload
def teardown(act: _A, /) -> _A: ...
@overload
def teardown() -> Callable[[_A], _A]: ...
def teardown(act: Act | None = None, /) -> object:
    """Declare what each user does once after its last journey; it is not measured."""
    return _mark(act, Teardown())


def mark_of(value: object) -> Mark | None:
    """Return what a value of a journeys file was declared to be; None where it is an ordinary one."""
    mark = getattr(value, _MARK, None)
    return mark if isinstance(mark, Mark) else None


def _mark(act: Act | None, mark: Mark) -> object:
    def marked(chosen: Act) -> Act:
        setattr(chosen, _MARK, mark)
        return chosen

    return marked if act is None else marked(act)
