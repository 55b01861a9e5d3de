"""The programs of `loadlab tour`, one file a step. Each runs alone: see 00_server.py."""
