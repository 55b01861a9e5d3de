"""A container of the stack, as the engine describes it."""

from typing import Any

import msgspec

STACK_TARGET = "LOADLAB_TARGET"
"""Set in the client container: the base URL of the stack's target."""
STACK_METRICS = "LOADLAB_TARGET_METRICS"
"""Set in the client container: where that target's metrics are."""
AGENT_PORT = "9200/tcp"
"""Of the agent, in the client container."""
AGENT_TOKEN = "LOADLAB_TOKEN"  # noqa: S105 - the name of a variable
"""Set in the client container by `make up`: what the agent's port asks for."""
AGENT_SOCKET = "LOADLAB_AGENT_SOCKET"
"""Set in the client container: the unix socket of the agent that carries every run there."""
LABEL = "com.docker.compose."
"""What the labels of both generations of Compose begin with."""
_TARGET_BIND = "TARGET_BIND"
_UNSPECIFIED = dict.fromkeys(("", "0.0.0.0", "::"), "127.0.0.1")  # noqa: S104 - nothing is bound
_NS_PER_CORE = 1_000_000_000


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """What decides whether it is fit for a run, how it is set, and what it may use."""

    id: str
    project: str
    service: str
    folder: str
    """The folder of its compose file."""
    status: str
    """running, paused, exited …"""
    exit_code: int = 0
    health: str | None = None
    """healthy, unhealthy or starting; None where it has no health check."""
    env: dict[str, str] = {}
    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None
    mounts: dict[str, str] = {}
    """From the path inside to the path on the engine's host."""
    published: dict[str, str] = {}
    """From the port inside, as in "9200/tcp", to host and port on the engine's host."""

    @classmethod
    def of(cls, attrs: dict[str, Any]) -> "Container":
        """Read what the engine's `inspect` returns."""
        config, limits, state = attrs["Config"], attrs["HostConfig"], attrs["State"]
        labels = config.get("Labels") or {}
        cores = (limits.get("NanoCpus") or 0) / _NS_PER_CORE
        if (limits.get("CpuQuota") or 0) > 0:
            cores = limits["CpuQuota"] / (limits.get("CpuPeriod") or 100_000)
        return cls(
            id=attrs["Id"],
            project=labels.get(f"{LABEL}project", ""),
            service=labels.get(f"{LABEL}service", ""),
            folder=labels.get(f"{LABEL}project.working_dir", ""),
            status=state["Status"],
            exit_code=state.get("ExitCode", 0),
            health=(state.get("Health") or {}).get("Status"),
            env=dict(each.split("=", 1) for each in config.get("Env") or [] if "=" in each),
            cpu_limit_cores=cores or None,
            memory_limit_bytes=limits.get("Memory") or None,
            mounts={mount["Destination"]: mount.get("Source", "") for mount in attrs.get("Mounts") or []},
            published={
                port: f"{_UNSPECIFIED.get(found[0]['HostIp'], found[0]['HostIp'])}:{found[0]['HostPort']}"
                for port, found in ((attrs.get("NetworkSettings") or {}).get("Ports") or {}).items()
                if found
            },
        )

    @property
    def is_ours(self) -> bool:
        """Whether it comes from the lab's compose file."""
        return (STACK_TARGET if self.service == "client" else _TARGET_BIND) in self.env

    @property
    def condition(self) -> str | None:
        """What is wrong with it in a few words, None where it is fit for a run."""
        match self.status, self.health:
            case "running", None | "healthy":
                return None
            case "running", "starting":
                return "is still starting"
            case "running", health:
                return f"is {health}"
            case "exited" | "dead", _:
                return f"has exited with code {self.exit_code}"
            case status, _:
                return f"is {status}"
