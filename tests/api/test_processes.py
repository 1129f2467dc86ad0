"""What a program sees that calls dbsynth: nothing heavy is loaded before it is used, and no script needs a guard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
print("started")
import dbsynth
from tests.api import shop
model = dbsynth.fit(shop.frames(40), schema=shop.SCHEMA, seed=1, effort="quick", workers=2)
one, two = model.sample(seed=1), model.sample(seed=1, workers=2)
assert all(one[name].equals(two[name]) for name in one)
print("rows", len(two["customers"]), "main", sys.modules["__main__"].__file__ == __file__)
"""


def output(*command: str) -> str:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, timeout=300).stdout


def test_the_package_loads_what_is_heavy_when_it_is_used() -> None:
    loaded = output("-c", "import dbsynth, sys; dbsynth.__all__; print(*sys.modules)").split()
    assert {"torch", "pandas", "pyarrow", "numpy", "sqlalchemy", "dbsynth.api"}.isdisjoint(loaded)


WITHOUT_PANDAS = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas")
sys.meta_path.insert(0, Hidden())
import pyarrow as pa, dbsynth
from dbsynth.errors import UsageError
model = dbsynth.fit_table(pa.table({"a": [1, 2] * 20}), seed=1)
print("rows", sum(batch.num_rows for _, batch in model.sample_batches(seed=1)))
try:
    model.sample()
except UsageError as error:
    print(error.hint)
"""


def test_without_pandas_arrow_works_and_the_remedy_is_told() -> None:
    said = output("-c", WITHOUT_PANDAS)
    assert "rows 40" in said
    assert "pip install 'dbsynth[pandas]'" in said


def test_a_script_without_a_guard_is_run_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = str(Path(__file__).parents[2])
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=300,
                         env={"PYTHONPATH": f"{root}:{':'.join(sys.path)}", "PATH": "/usr/bin:/bin"})  # fmt: skip
    assert run.stdout.count("started") == 1
    assert "rows 40 main True" in run.stdout
