"""Bounds of what may be asked for: beyond them is a slip of the keyboard, or more than is tested."""

MAX_SCALE = 10_000.0
MAX_SEED = 2**63 - 1
MIN_SAMPLE_ROWS = 100
MAX_WORKERS = 256
MAX_ROWS = 10**12
MAX_TRAIN_MINUTES = 60.0 * 24 * 30
MAX_BYTES = 10 * 2**30
"""What reading may be billed for, where it is, unless --max-bytes says otherwise."""
MAX_SECONDS = 86_400.0
"""Of one query: a day."""
