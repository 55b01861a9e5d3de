"""The server that the other programs call: Flask, with a thread for each request, and it sleeps.

    python 00_server.py [SECONDS]                     sleep 0.25 s in each request, or so many seconds
    gunicorn --threads 8 -b 127.0.0.1:5000 00_server:app      the same with eight threads and no more

Leave it running and start a program in another terminal: python 01_blocking.py
"""

import sys
import time

from flask import Flask

app = Flask(__name__)
seconds = 0.25


@app.get("/")
def hello() -> str:
    time.sleep(seconds)
    return "hello\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        seconds = float(sys.argv[1])
    app.run(threaded=True)
