"""While a target is away, the client must not connect to itself and so keep the target from its port.

In a network with few local ports, the target's among them, an unguarded client does so within moments.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from end_to_end.test_shortages import WAYS
from support.namespaces import need_network

pytestmark = pytest.mark.real

PORT = 40_010
IN_A_NETWORK_OF_ITS_OWN = f"""
import subprocess, sys, time
from pathlib import Path
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("{PORT - 10} {PORT + 53}")
from support.outages import Restartable
server = Restartable(0.02, {PORT})
run = subprocess.Popen(sys.argv[1:])
while server.accepted < 9 and run.poll() is None:  # one is the lab's own look before the load
    time.sleep(0.01)
time.sleep(0.5)
server.go()
time.sleep(1.0)
kept_out = 0
for _ in range(100):
    try:
        server.come_back()
        break
    except OSError:
        kept_out += 1
        time.sleep(0.02)
code = run.wait()
print("kept out", kept_out, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(("scenario", "transport"), WAYS)
def test_a_target_that_was_away_gets_its_port_back(scenario, transport, tmp_path):
    need_network()
    run = [
        sys.executable, "-m", "loadlab", "run", scenario, "--transport", transport, "--concurrency", "8",
        "--duration", "4s", "--warmup", "0s", "--timeout", "2s", "--target", f"http://127.0.0.1:{PORT}/",
        "--json", "--quiet", "--out", str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", IN_A_NETWORK_OF_ITS_OWN, *run],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert "kept out 0" in done.stderr
    result = json.loads(done.stdout)
    (stage,) = result["stages"]
    assert result["target_lost"] is None
    (away,) = stage["outages"]
    assert away["to_ns"] < stage["window_ns"], "it was answered again"
    reasons = {each["reason"] for each in stage["errors"] if each["kind"] == "protocol_error"}
    assert not any("not an HTTP answer" in reason for reason in reasons)
