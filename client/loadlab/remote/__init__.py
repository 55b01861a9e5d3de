"""A run that an agent carries for this process."""
