"""What is wrong with a plan, by the names of its fields: who posts a plan has written no options."""

import re

FIELDS = {
    "--concurrency": "concurrency",
    "--requests": "requests",
    "--rate": "rate_hz",
    "--arrivals": "spacing",
    "--max-in-flight": "max_in_flight",
    "--when-full": "when_full",
    "--duration": "duration_ns",
    "--warmup": "warmup_ns",
    "--think": "think_ns",
    "--ramp-up": "ramp_up_ns",
    "--workload": "workload",
    "--transport": "transport",
    "--processes": "processes",
    "--timeout": "timeout_ns",
    "--connect-timeout": "connect_timeout_ns",
    "--idle-limit": "idle_limit_ns",
    "--no-keep-alive": "keep_alive: false",
    "--stop-when-lost": "stop_when_lost_ns",
    "--target": "target",
    "--path": "url",
    "--method": "method",
    "--header": "headers",
    "--secret-header": "secret_headers",
    "--secret-query": "secret_query",
    "--body": "body",
    "--requests-file": "requests",
    "--journeys": "journeys",
    "--data": "data",
    "--expect-status": "expect_status",
    "--max-errors": "max_errors_ratio",
    "--seed": "seed",
}
"""The field of a plan, of its stages or of its requests that each option fills."""


def in_fields(sentences: str) -> str:
    """Return the sentences with fields in place of options."""
    return re.sub("--[a-z]+(?:-[a-z]+)*", lambda option: FIELDS.get(option[0], option[0]), sentences)
