"""What users of the shop do."""

from loadlab.journeys import User, journey, setup


@setup
async def log_in(user: User) -> None:
    """Open a session, as a browser does: the form, its token, the redirect."""
    form = await user.get("/login")
    await user.post(
        "/login",
        form={"csrf": form.field("csrf"), "name": user.row["name"], "password": user.row["password"]},
        expect=302,
    )


@journey(weight=6)
async def browse(user: User) -> None:
    """Look at a page of the list and at one item."""
    listed = await user.get("/items", params={"page": user.rng.randint(1, 100)})
    user.check("lists items", "<li>" in listed.text)
    await user.think("exp:500ms")
    await user.get(f"/items/{user.rng.randint(1, 2000)}", name="GET /items/ID")


@journey(weight=3)
async def search(user: User) -> None:
    """Search for something that is there."""
    found = await user.get("/search", params={"q": user.rng.choice(["lamp", "chair", "clock 1"])})
    user.check("finds something", "<li>" in found.text)


@journey(weight=2)
async def buy(user: User) -> None:
    """Order an item."""
    number = user.rng.randint(1, 2000)
    item = await user.get(f"/items/{number}", name="GET /items/ID")
    await user.think("exp:1s")
    await user.post("/cart", form={"csrf": item.field("csrf"), "item": item.field("item")}, follow=True)


@journey
async def read_report(user: User) -> None:
    """Read the report."""
    await user.get("/report")


@journey(weight=2)
async def use_api(user: User) -> None:
    """Ask the API with a token, which is asked for once."""
    if not hasattr(user, "token"):
        reply = await user.post(
            "/api/token", json={"name": user.row["name"], "password": user.row["password"]}
        )
        user.token = reply.json()["token"]
    listed = await user.get("/api/items", headers={"Authorization": f"Bearer {user.token}"})
    user.check("has 100 items", len(listed.json()["items"]) == 100)
