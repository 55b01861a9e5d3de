"""Which event loop carries load: uvloop where the platform has it, asyncio's own elsewhere."""

import asyncio
from importlib.metadata import version

try:
    import uvloop
except ImportError:  # pragma: no cover - a platform without uvloop
    NAME = "asyncio"
    new_event_loop = asyncio.new_event_loop
else:
    NAME = f"uvloop {version('uvloop')}"
    new_event_loop = uvloop.new_event_loop
