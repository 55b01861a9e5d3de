"""The JSON Schema of `result.json`: `python -m loadlab.results.schema > docs/result.schema.json`."""

import sys

import msgspec

from loadlab.results.result import SCHEMA_VERSION, RunResult


def schema() -> bytes:
    """Return the schema, generated from the result types, in the order that msgspec gives it."""
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"concurrency-lab result.json, schema version {SCHEMA_VERSION}",
        **msgspec.json.schema(RunResult),
    }
    return msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(schema())
