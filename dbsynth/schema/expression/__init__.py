"""SQL expressions as vectorised functions of Arrow batches, with SQL's types and three-valued logic."""
