"""The same steps as journeys_lab.py for Locust's fast user."""

from locust import FastHttpUser, constant, task


class Fast(FastHttpUser):
    """Looks at four pages without a pause."""

    wait_time = constant(0)

    @task
    def look(self) -> None:
        """Look at four pages."""
        for path in ("/a", "/b", "/c", "/d"):
            with self.client.get(
                path, headers={"Cookie": "session=0123456789abcdef"}, catch_response=True
            ) as reply:
                assert reply.headers["Content-Type"]
