"""A sink that says something else than where it is did not start, and is not waited for."""

import asyncio
import subprocess

import pytest

from loadlab.errors import TargetError
from loadlab.targets.child_process import Child
from loadlab.targets.sink import SinkHost


@pytest.mark.real
@pytest.mark.parametrize(
    "said", [b"", b"{}\n", b"\xff\xfe\n", b'{"url": "\xff", "metrics_url": ""}\n', b"[" * 100_000 + b"\n"]
)
def test_a_sink_that_does_not_say_where_it_is_did_not_start(said, tmp_path, monkeypatch):
    (tmp_path / "says.py").write_text(f"import sys; sys.stdout.buffer.write({said!r})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    class Says(SinkHost):
        def _launch(self):
            return Child("sink", "says", stdout=subprocess.PIPE, stderr=self._complaints)

    async def main():
        host = Says()
        try:
            await host.start()
        finally:
            await host.stop()

    with pytest.raises(TargetError, match="the sink did not start"):
        asyncio.run(main())
