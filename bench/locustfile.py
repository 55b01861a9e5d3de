"""Locust's fast user, at full speed, for `bench/speed.py`."""

from locust import FastHttpUser, constant, task


class Fast(FastHttpUser):
    """Requests one path without a pause."""

    wait_time = constant(0)

    @task
    def hello(self) -> None:
        """Request it."""
        self.client.get("/")
