"""``python -m dbsynth.cli``."""

from dbsynth.cli import main

if __name__ == "__main__":
    main()
