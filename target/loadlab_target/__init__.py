"""The system under load: a WSGI app under gunicorn's threads, measured from inside.

It knows nothing of the client: the two meet on the wire.
"""
