"""What all tests share: hypothesis without wall-clock deadlines, so that a busy machine fails no test."""

from hypothesis import settings

settings.register_profile("lab", deadline=None, max_examples=60)
settings.load_profile("lab")
