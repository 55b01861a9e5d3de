"""A load lab for threaded Python web services."""
