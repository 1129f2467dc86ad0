"""Rows that meet a predicate, made: what has to change so that it is true is worked out backwards from the result."""
