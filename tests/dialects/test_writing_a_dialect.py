"""docs/writing-a-dialect.md is run as it is printed; docs/dialects.md says what the dialects say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from dbsynth.console.dialect_view import describe, markdown

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"<!-- file: (\S+) -->\n```python\n(.*?)```", re.DOTALL)


def test_the_printed_dialect_passes_the_suite(tmp_path: Path) -> None:
    text = (DOCS / "writing-a-dialect.md").read_text(encoding="utf-8")
    files = dict(BLOCK.findall(text))
    assert set(files) == {"dbsynth_mini.py", "test_mini.py"}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    info = tmp_path / "dbsynth_mini-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dbsynth-mini\nVersion: 0.1\n", encoding="utf-8")
    [points] = re.findall(r"```toml\n\[project\.entry-points\.\"(.*?)\"\]\n(\w+) = \"(.*?)\"", text)
    (info / "entry_points.txt").write_text(f"[{points[0]}]\n{points[1]} = {points[2]}\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_mini.py")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"\d\d passed", done.stdout)


def test_the_table_of_dialects_is_what_the_dialects_say() -> None:
    text = (DOCS / "dialects.md").read_text(encoding="utf-8")
    shipped = [d for d in describe() if d["name"] in ("bigquery", "duckdb", "postgresql", "snowflake")]
    assert markdown(shipped) in text
