"""From a recording of requests, a HAR file or curl commands, to a journeys file.

`har` and `curl` read; everything else is pure: exchanges -> steps -> source text.
"""
