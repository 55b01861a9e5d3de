"""How a target of the lab says that its gunicorn is set."""

import msgspec

from loadlab.system.files import decode_json
from loadlab.targets import Gunicorn
from loadlab.targets.target_metrics import page

_METRICS = "/metrics"
_DECODER: msgspec.json.Decoder[Gunicorn] = msgspec.json.Decoder(Gunicorn)


async def gunicorn_of(metrics_url: str | None) -> Gunicorn | None:
    """Ask the target; None where it has no gunicorn or does not tell. Raises nothing."""
    if metrics_url is None or not metrics_url.endswith(_METRICS):
        return None
    found = await page(f"{metrics_url.removesuffix(_METRICS)}/server")
    try:
        return None if found is None else decode_json(found, _DECODER)
    except msgspec.DecodeError:
        return None
