"""`make up` refuses settings that would do nothing before it asks for Docker."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TARGET_SERVER": "flask", "WORKERS": "2"}, "WORKERS: Flask's development server has no such limit"),
        (
            {"TARGET_SERVER": "flask", "THREADS": "64"},
            "THREADS: Flask's development server has no such limit",
        ),
        (
            {"TARGET_APP": "shop:sell", "TARGET_DELAY": "50ms"},
            "TARGET_DELAY: it is how long the lab's own app",
        ),
        (
            {"TARGET_SERVER": "flask", "GUNICORN_CONFIG": "gunicorn.conf.py"},
            "GUNICORN_CONFIG: TARGET_SERVER=flask is no gunicorn",
        ),
        ({"APP_ENV_FILE": "shop.env"}, "APP_ENV_FILE: it goes with an app of your own"),
        ({"APP_DATA": "/data"}, "APP_DATA: it goes with an app of your own"),
        ({"APP_COMPOSE": "shop.yml"}, "APP_COMPOSE: it goes with an app of your own"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(settings, said):
    done = subprocess.run(
        ["make", "--no-print-directory", "up", *(f"{name}={value}" for name, value in settings.items())],
        cwd=ROOT,
        env=os.environ | {"PATH": "/usr/bin:/bin", "DOCKER_HOST": "tcp://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(said)
