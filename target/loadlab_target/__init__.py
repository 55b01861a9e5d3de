"""The lab's target: any WSGI app under a gunicorn that measures itself."""
