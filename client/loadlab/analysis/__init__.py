"""Judgement: pure functions from what was measured to what it is worth."""
