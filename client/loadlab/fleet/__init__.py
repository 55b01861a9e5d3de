"""One worker process per shard: started together, watched, merged, and never left behind."""
