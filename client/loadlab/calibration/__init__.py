"""This machine's own ceilings: what is measured, and how. `results.ceilings_file` keeps them."""
