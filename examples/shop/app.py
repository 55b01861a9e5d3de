"""A small shop: login with a session and a CSRF token, a list, a search, a slow report, an API, an export.

    gunicorn -c gunicorn.conf.py app:app

Its database is a file beside it, or what SHOP_DATABASE names. `python app.py` makes it anew.
"""

import csv
import io
import os
import secrets
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, redirect, render_template_string, request, session, url_for
from sqlalchemy import create_engine, text

USERS = 100
ITEMS = 2_000
HERE = Path(__file__).parent
DATABASE = os.environ.get("SHOP_DATABASE", f"sqlite:///{HERE / 'shop.sqlite'}")

app = Flask(__name__)
app.secret_key = os.environ.get("SHOP_SECRET", "only for trying")
engine = create_engine(DATABASE, pool_size=5, max_overflow=0, connect_args={"timeout": 30})
"""Five connections: a sixth request that needs the database waits for one of them."""

PAGE = """<!doctype html><title>Shop</title><link rel=stylesheet href=/static/shop.css>
<meta name="csrf-token" content="{{ csrf }}">{% if session.user %}<p>Hello {{ session.user }}{% endif %}
{{ body|safe }}"""


def page(body: str, **values: object) -> str:
    """Return a page with this body, a template."""
    csrf = session.setdefault("csrf", secrets.token_hex(16))
    return render_template_string(PAGE, body=render_template_string(body, csrf=csrf, **values), csrf=csrf)


def query(sql: str, **values: object) -> list[dict[str, Any]]:
    """Return what a statement finds."""
    with engine.begin() as connection:
        found = connection.execute(text(sql), values)
        return [dict(row) for row in found.mappings()] if found.returns_rows else []


def logged_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let in users with a session; send others to the login."""

    @wraps(view)
    def checked(**values: object) -> Any:  # noqa: ANN401 - what a view may return
        return view(**values) if "user" in session else redirect(url_for("login"))

    return checked


@app.get("/login")
def login() -> str:
    """Show the form."""
    return page(
        '<form method=post><input type=hidden name=csrf value="{{ csrf }}">'
        "<input name=name><input name=password type=password><button>Log in</button></form>"
    )


@app.post("/login")
def log_in() -> Response:
    """Begin a session."""
    if request.form.get("csrf") != session.get("csrf"):
        abort(400, "the form has run out")
    name, password = request.form.get("name", ""), request.form.get("password", "")
    if not query(
        "select 1 from users where name = :name and password = :password", name=name, password=password
    ):
        abort(401)
    session["user"] = name
    return redirect(url_for("items"))


@app.post("/logout")
def log_out() -> Response:
    """End the session."""
    session.clear()
    return redirect(url_for("login"))


@app.get("/items")
@logged_in
def items() -> str:
    """List items, twenty to a page."""
    first = max(request.args.get("page", 1, int) - 1, 0) * 20
    found = query("select id, name, price from items order by id limit 20 offset :first", first=first)
    return page(
        "{% for item in items %}<li><a href=/items/{{ item.id }}>{{ item.name }}</a>{% endfor %}", items=found
    )


@app.get("/items/<int:number>")
@logged_in
def item(number: int) -> str:
    """Show an item, and the form that buys it."""
    found = query("select id, name, price from items where id = :id", id=number)
    if not found:
        abort(404)
    return page(
        "<h1>{{ item.name }}</h1><form method=post action=/cart>"
        "<input type=hidden name=csrf value={{ csrf }}>"
        "<input type=hidden name=item value={{ item.id }}><button>Buy</button></form>",
        item=found[0],
    )


@app.post("/cart")
@logged_in
def buy() -> Response:
    """Order an item."""
    if request.form.get("csrf") != session.get("csrf"):
        abort(400, "the form has run out")
    query(
        "insert into orders (user, item) values (:user, :item)",
        user=session["user"],
        item=request.form["item"],
    )
    return redirect(url_for("items"))


@app.get("/search")
def search() -> str:
    """Find items by a part of their name: a scan of the table."""
    found = query(
        "select id, name from items where name like :part limit 50", part=f"%{request.args.get('q', '')}%"
    )
    return page(
        "{% for item in items %}<li>{{ item.name }}{% else %}<p>Nothing found{% endfor %}", items=found
    )


@app.get("/report")
@logged_in
def report() -> str:
    """Sum up all orders: the slow page, which holds a connection while it counts."""
    found = query(
        "with recursive work(n) as (select 1 union all select n + 1 from work where n < 300000)"
        " select count(*) as orders, (select max(n) from work) as counted from orders"
    )
    return page("<p>{{ found.orders }} orders", found=found[0])


@app.post("/api/token")
def token() -> Response:
    """Give a token for a name and password."""
    asked = request.get_json()
    known = query(
        "select token from users where name = :name and password = :password",
        name=asked.get("name"), password=asked.get("password"),
    )  # fmt: skip
    if not known:
        abort(401)
    return jsonify(token=known[0]["token"])


@app.get("/api/items")
def api_items() -> Response:
    """List items for a bearer of a token."""
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not query("select 1 from users where token = :token", token=bearer):
        abort(401)
    return jsonify(items=query("select id, name, price from items order by id limit 100"))


@app.get("/export")
def export() -> Response:
    """Stream all items as CSV."""

    def lines() -> Iterator[str]:
        for first in range(0, ITEMS, 500):
            part = io.StringIO()
            rows = query("select id, name, price from items order by id limit 500 offset :first", first=first)
            csv.writer(part).writerows(tuple(row.values()) for row in rows)
            yield part.getvalue()

    return Response(lines(), mimetype="text/csv")


@app.get("/healthz")
def healthz() -> str:
    """Say that it is there."""
    return "ok"


def fill() -> None:
    """Make the database anew: users, items, no orders."""
    for statement in (
        "pragma journal_mode = wal",
        "drop table if exists users",
        "drop table if exists items",
        "drop table if exists orders",
        "create table users (name text primary key, password text, token text)",
        "create table items (id integer primary key, name text, price integer)",
        "create table orders (id integer primary key, user text, item integer)",
    ):
        query(statement)
    kinds = ("lamp", "chair", "table", "shelf", "clock")
    with engine.begin() as connection:
        connection.execute(
            text("insert into users values (:name, :password, :token)"),
            [{"name": f"user{n}", "password": f"secret{n}", "token": f"token-{n}"} for n in range(USERS)],
        )
        connection.execute(
            text("insert into items values (:id, :name, :price)"),
            [{"id": n, "name": f"{kinds[n % 5]} {n}", "price": 100 + n} for n in range(1, ITEMS + 1)],
        )


if __name__ == "__main__":
    fill()
