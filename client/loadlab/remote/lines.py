"""Lines from pieces that are cut anywhere. Pure."""

from loadlab.system.files import MOST_BYTES


class Lines:
    """Puts lines together from pieces cut anywhere; raises ValueError for one that is too long."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are now whole, without their ends."""
        *ends, rest = data.split(b"\n")
        if len(self._rest) + max(map(len, (*ends, rest))) > self._most_bytes:
            raise ValueError("a line without an end")
        if not ends:
            self._rest += rest
            return []
        first = bytes(self._rest + ends[0])
        self._rest = bytearray(rest)
        return [first, *ends[1:]]
