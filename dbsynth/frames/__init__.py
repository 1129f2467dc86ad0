"""Tables in memory as a source: pandas DataFrames and Arrow tables."""
