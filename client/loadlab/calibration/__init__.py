"""This machine's own ceilings: what is measured, how, and the file that keeps them."""
