"""The one request that most steps make, in their different ways."""

import aiohttp


async def get(session: aiohttp.ClientSession, url: str) -> str:
    """Make one request and read its body."""
    async with session.get(url) as response:
        return await response.text()
