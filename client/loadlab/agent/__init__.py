"""The long-lived process of a lab: carries runs, one at a time, tells how they go, serves the live page."""
