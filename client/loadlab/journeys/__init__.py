"""Journeys: what users of a real app do, in plain Python.

A journeys file imports these names and nothing else of the lab:

    from loadlab.journeys import User, journey, setup

    @setup
    async def log_in(user: User) -> None:
        page = await user.get("/login")
        await user.post("/login", form={"csrf": page.field("csrf"), "name": user.row["name"]}, expect=302)

    @journey(weight=3)
    async def search(user: User) -> None:
        found = await user.get("/search", params={"q": "lamp"})
        user.check("has items", "<li" in found.text)
        user.think("exp:2s")
"""

from loadlab.journeys.declare import journey, setup, teardown
from loadlab.journeys.reply import Reply
from loadlab.journeys.user import StepFailed, User

__all__ = ["Reply", "StepFailed", "User", "journey", "setup", "teardown"]
