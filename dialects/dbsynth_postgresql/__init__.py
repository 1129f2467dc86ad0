"""PostgreSQL dialect of dbsynth."""
