"""Four pages with a session's cookie, a header read of each answer, for `bench/speed.py`."""

from loadlab.journeys import User, journey, setup


@setup
async def begin(user: User) -> None:
    """Have a session."""
    user.cookies["session"] = "0123456789abcdef"


@journey
async def look(user: User) -> None:
    """Look at four pages."""
    for path in ("/a", "/b", "/c", "/d"):
        reply = await user.get(path)
        assert reply.headers["Content-Type"]
