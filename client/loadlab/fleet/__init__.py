"""One aiomultiprocess worker per shard: started together, watched, merged, and never left behind."""
