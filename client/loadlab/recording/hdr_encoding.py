"""The published encoding of an HdrHistogram: version 2, compressed, base64.

Format: the V2 encoding of HdrHistogram (hdrhistogram.org; `encodeIntoCompressedByteBuffer` of its Java
edition). All numbers are big-endian:

    compressed   cookie 4 B | length of the rest 4 B | zlib of the payload
    payload      cookie 4 B | length of the counts 4 B | normalising offset 4 B | significant digits 4 B
                 | lowest value 8 B | highest value 8 B | ratio of integers to doubles 8 B | counts
    counts       a ZigZag LEB128 number for each bucket up to the last filled one;
                 n empty ones in a row are one number, -n
"""

import base64
import struct
import zlib
from collections.abc import Iterable

_PAYLOAD_COOKIE, _COMPRESSED_COOKIE = 0x1C849313, 0x1C849314
_PAYLOAD = struct.Struct(">iiiiqqd")
_COMPRESSED = struct.Struct(">ii")
_LARGEST_BYTES = 9
"""Of a LEB128 number in this format: its ninth byte holds eight bits."""


def encode(filled: Iterable[tuple[int, int]], *, lowest: int, highest: int, digits: int) -> str:
    """Encode counts as (bucket, count) in ascending order of buckets, counts above 0."""
    counts = bytearray()
    behind = 0
    for bucket, count in filled:
        if bucket > behind:
            counts += _zigzag(behind - bucket)
        counts += _zigzag(count)
        behind = bucket + 1
    payload = _PAYLOAD.pack(_PAYLOAD_COOKIE, len(counts), 0, digits, lowest, highest, 1.0) + counts
    compressed = zlib.compress(payload)
    header = _COMPRESSED.pack(_COMPRESSED_COOKIE, len(compressed))
    return base64.b64encode(header + compressed).decode("ascii")


def _zigzag(number: int) -> bytes:
    """Encode a whole number of 64 bits: sign in the lowest bit, then seven bits a byte, the lowest first."""
    rest = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while rest > 0x7F and len(encoded) < _LARGEST_BYTES - 1:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)
