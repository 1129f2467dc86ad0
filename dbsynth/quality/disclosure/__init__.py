"""What a clone tells of single rows of its source: one file a family of figures (docs/quality.md defines them)."""
