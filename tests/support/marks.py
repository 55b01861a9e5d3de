"""Marked secrets: one for each input, and a search for them in every form that something may give them."""

import http.server
import threading
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

MARK = "m4rk"


def mark(name: str) -> str:
    """Return a secret that tells which input it was given to; its signs need an encoding in a URL."""
    return f"{MARK}-{name} ~/+ü"


def token(name: str) -> str:
    """Return one that may stand in a URL or a header as it is."""
    return f"{MARK}-{name}"


def found(data: bytes, *, pairs: tuple[str, ...] = ()) -> list[str]:
    """Return the marks in what came out, each with what is around it; `pairs` are looked for in base64."""
    text = data.decode(errors="replace")
    places = [place for place in range(len(text)) if text.startswith(MARK, place)]
    coded = [pair for pair in pairs if b64encode(pair.encode()).decode() in text]
    return [text[max(0, place - 40) : place + 40] for place in places] + coded


def below(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Echo(http.server.ThreadingHTTPServer):
    """Answers with a redirect that repeats what it was asked, then with what is no HTTP and does so, too."""

    daemon_threads = True

    def __init__(self, garbled_from: int = 20) -> None:
        super().__init__(("127.0.0.1", 0), _Echoing)
        self.garbled_from = garbled_from
        self.seen = []
        self.where = f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Echoing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
        told = [self.path, body, *self.headers.values()]
        self.server.seen.append(" ".join([self.requestline, *self.headers.values(), body]))
        turn = len(self.server.seen)
        each = told[turn % len(told)]
        if turn > self.server.garbled_from:
            self.wfile.write(f"HTTP/1.1 nonsense {each}\r\nX y {each}: {each}\r\n\r\n".encode())
            self.close_connection = True
            return
        location = (f"/{quote(each)}", f"/?was={quote_plus(each)}", f"//{quote(each, safe='')}")[turn % 3]
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = _answer  # noqa: N815 - as http.server has it

    def log_message(self, *_):
        pass
