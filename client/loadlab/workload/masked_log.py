"""A log without secrets, block by block: one may span several lines, and a line may have no end. Pure."""

import codecs
from collections.abc import Iterable, Iterator

from loadlab.workload.masking import Secrets

_BLOCK = 1 << 14
"""Characters that are searched at once, at the least."""


def masked_blocks(log: Iterable[bytes], hidden: Secrets, *, beheaded: bool = False) -> Iterator[bytes]:
    """Give a log without what may not be shown.

    Where it is `beheaded`, it may begin within a secret: so many characters as the longest has are left out.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    held = ""
    for block in log:
        held += decoder.decode(block)
        if len(held) < max(_BLOCK, 2 * hidden.longest):
            continue
        if beheaded:
            held = held[hidden.safe_cut(held, hidden.longest) :]
            beheaded = False
        most = len(held) - hidden.longest
        cut = hidden.safe_cut(held, held.rfind("\n", most // 2, most) + 1 or most)
        yield _written(hidden.masked(held[:cut]))
        held = held[cut:]
    held += decoder.decode(b"", final=True)
    if beheaded:
        held = held[hidden.safe_cut(held, hidden.longest) :]
    yield _written(hidden.masked(held))


def _written(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
