"""HTTP/1.1 on bare `asyncio.Protocol`s, for when the client must cost next to nothing.

A request is bytes that were made once. A response is read in full - status, framing, every byte of its
body counted - but nothing is kept. A head that came before, byte for byte, is not parsed again.

What is not done: pipelining, upgrades, transfer codings other than chunked, decompression.
"""
