"""The loops of one process that send requests."""
