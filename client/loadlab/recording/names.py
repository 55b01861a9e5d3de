"""The names of requests, and how they travel on a tape: as numbers above the status."""

MOST_NAMES = 64
OTHER = "other"
"""What is counted under no name of its own: those that came after there were too many."""
NAME_SHIFT = 32
"""Above this bit of a row's status stands the number of the request's name."""


class Names:
    """Names as they arise in one process. The loop adds them; another thread reads them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        """The names by their numbers."""
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return what is added to the status of a request with this name."""
        number = self._numbers.get(text)
        if number is not None:
            return number
        if len(self._numbers) >= MOST_NAMES:
            return self.number(OTHER) if text != OTHER else self._add(text)
        return self._add(text)

    def _add(self, text: str) -> int:
        number = self._numbers[text] = len(self.texts) << NAME_SHIFT
        self.texts.append(text)
        return number
