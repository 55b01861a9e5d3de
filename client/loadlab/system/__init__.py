"""The machine: what it has, what it gives out, how its scheduler and memory treat us."""
