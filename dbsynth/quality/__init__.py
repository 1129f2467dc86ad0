"""Is a target what it should be: constraints, likeness to the source, privacy, workload. Reads; never writes."""
