"""What each check of a stage compares, and what it says."""
