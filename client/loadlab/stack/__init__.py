"""The Compose stack: its containers, and a run inside it."""
