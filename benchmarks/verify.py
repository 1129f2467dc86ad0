"""What does a verification cost, and is an honest clone green?

    python benchmarks/verify.py SOURCE TARGET [SOURCE TARGET]...

SOURCE, TARGET: URLs of a database and of a clone of it. Each pair is verified in a process of its own. Prints Markdown:
rows of the target, CPU seconds of this side (the database's own are not counted), the largest memory, and the gates.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys

from sqlalchemy.engine import make_url

import dbsynth
from dbsynth.quality.outputs import as_data

HEAD = "| database | rows | score | constraints | violations | quality | privacy | CPU s | peak MB |"


def measure(source: str, target: str) -> dict[str, object]:
    found = as_data(dbsynth.verify(target, source))
    used = resource.getrusage(resource.RUSAGE_SELF)
    gates = {
        g: all(r["passed"] for r in found["gates"] if r["gate"] == g) for g in ("violations", "quality", "privacy")
    }
    return {
        "rows": sum(t["rows"] for t in found["tables"]),
        "score": found["fidelity"]["score"],
        "constraints": len(found["constraints"]),
        "gates": {g: "passed" if ok else "**failed**" for g, ok in gates.items()},
        "seconds": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
    }


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--one":
        print(json.dumps(measure(*sys.argv[2:])))
        return
    places = sys.argv[1:]
    if not places or len(places) % 2:
        raise SystemExit(__doc__)
    print(HEAD)
    print("|---|" + "---:|" * (HEAD.count("|") - 2))
    for source, target in zip(places[::2], places[1::2], strict=True):
        command = [sys.executable, __file__, "--one", source, target]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        m = json.loads(done.stdout.splitlines()[-1])
        gates = " | ".join(m["gates"].values())
        print(
            f"| {make_url(source).database} | {m['rows']:,} | {m['score']:.3f} | {m['constraints']} | {gates} |"
            f" {m['seconds']:.1f} | {m['megabytes']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
