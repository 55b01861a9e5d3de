"""What the shell scripts share."""

import string
import subprocess
from urllib.parse import parse_qs, quote

import pytest

from support.readme import ROOT


def url_encoded(text):
    script = ["sh", "-c", '. scripts/common.sh; url_encoded "$1"', "scripts/any.sh", text]
    return subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("text", ["", "a1-._~", "+&%", "%41", string.punctuation, string.ascii_letters])
def test_a_text_is_written_for_a_url(text):
    encoded = url_encoded(text)
    assert encoded == quote(text, safe="")
    assert parse_qs(f"token={encoded}", keep_blank_values=True) == {"token": [text]}
