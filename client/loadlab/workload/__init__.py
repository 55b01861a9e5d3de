"""What shall happen: the plan, its arrivals, think times, addresses and ranges."""
