"""Reporters: a result in, something to look at out."""
