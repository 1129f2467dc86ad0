"""The SQL of the README and of docs/service.md runs as it is printed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import Execute, Serving, until
from sqlalchemy.engine import make_url

import dbsynth
from dbsynth.service.options import KINDS
from dbsynth.testing.embedded import conninfo, embedded_binaries

ROOT = Path(__file__).resolve().parents[2]
PAGES = {page: (ROOT / page).read_text() for page in ("README.md", "docs/service.md")}
PUBLIC = """
    create table public.customer (id int primary key, tier text not null);
    insert into public.customer select g, chr(97 + g % 3) from generate_series(1, 100) g;
    grant select on public.customer to alice;
"""


@pytest.mark.parametrize("page", PAGES)
def test_the_sql_runs(control: str, execute: Execute, serve: Callable[..., Serving], tmp_path: Path, page: str) -> None:
    execute(PUBLIC)
    model = dbsynth.fit(make_url(control), strategy="independent", workers=1, seed=1)
    model.save(tmp_path / "models" / "shop")
    worker = serve("--models", str(tmp_path / "models"))
    until(lambda: execute("select 1 from dbsynth.models where name = 'shop'"), "the model is entered")
    texts = re.findall(r"```sql\n(.*?)```", PAGES[page], re.DOTALL)
    example = next(text for text in texts if "dbsynth.clone(" in text)
    url = make_url(control).set(username="alice").render_as_string(hide_password=False)
    psql = [embedded_binaries() / "psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", conninfo(url)]
    done = subprocess.run(psql, input=example, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert execute("select count(*) from dev.customer") == [(10,)]
    states: Callable[[], Any] = lambda: dict(execute("select id, state from dbsynth.job"))  # noqa: E731
    assert states()[1] == "done"
    until(lambda: states()[2] in ("done", "cancelled"), "the second job ends")
    if states()[2] == "done":
        assert execute("select count(*) from staging.customer") == [(100,)]
    assert worker.stop() == 0


def test_every_option_and_metric_is_described() -> None:
    text = PAGES["docs/service.md"]
    for kind in KINDS.values():
        for name in kind.model_fields:
            assert f"`{name}`" in text, name
    source = (ROOT / "dbsynth" / "service" / "monitor.py").read_text()
    for name in re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"(\w+)"', source):
        assert name in text or name == "dbsynth_worker_info", name
