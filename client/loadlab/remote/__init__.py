"""A run that another process carries: the words exchanged and what is left of it."""
