"""What shall happen: the plan, its arrivals, think times, requests and credentials."""
