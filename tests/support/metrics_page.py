"""docs/metrics.md as its readers understand it."""

import re
from typing import NamedTuple

from prometheus_client.metrics_core import Metric

from support.promtool import ROOT

PAGE = (ROOT / "docs" / "metrics.md").read_text()
_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| [^|]+ \|([^|]*)\|", re.MULTILINE)
_OF_THE_TYPE = {"le"}


class Described(NamedTuple):
    """What the page, or an exposition, says of a metric."""

    type: str
    labels: frozenset[str]


def page(prefix: str) -> dict[str, Described]:
    """What the page says of each metric whose name begins so."""
    return {
        name: Described(kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in _ROW.findall(PAGE)
        if name.startswith(prefix)
    }


def exposition(families: dict[str, Metric], *, common: tuple[str, ...] = ()) -> dict[str, Described]:
    """What an exposition says of its metrics; `common` are labels that the page does not repeat."""
    found = {}
    for family in families.values():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels}
        found[name] = Described(family.type, frozenset(labels - set(common) - _OF_THE_TYPE))
    return found
