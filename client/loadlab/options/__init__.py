"""From what a person writes to a plan and a target."""
