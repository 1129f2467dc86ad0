"""Rules within a row: what holds between the columns of one table in every row of the source, or in nearly all."""
