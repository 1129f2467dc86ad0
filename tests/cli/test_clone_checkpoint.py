"""``clone --checkpoint``: what is learned is kept, and not learned again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from dbsynth.cli import main

SHOP = """
    create table customer (id int primary key, tier text not null);
    create table orders (id int primary key, customer int not null references customer, amount int);
    insert into customer select g, chr(97 + g % 3) from generate_series(1, 60) g;
    insert into orders select g, 1 + g % 60, g * 7 % 50 from generate_series(1, 90) g;
"""


def test_a_clone_goes_on(database: str, execute: Callable[..., list[tuple[object, ...]]], tmp_path: Path) -> None:
    execute(SHOP)
    folder = tmp_path / "kept"

    def said(*options: str, code: int = 0) -> str:
        given = ["clone", database, "--to", "dev", "--strategy", "independent", "--workers", "1", *options]
        done = CliRunner().invoke(main, given)
        assert done.exit_code == code, done.output
        return " ".join(done.output.split())

    def rows() -> list[tuple[object, ...]]:
        return execute("select o.*, c.tier from dev.orders o join dev.customer c on c.id = o.customer order by o.id")

    said("--checkpoint", str(folder))  # the seed is drawn, and kept
    first = rows()
    (lost,) = (p for p in folder.glob("table-*") if b'"orders"' in (p / "table.json").read_bytes()[:300])
    for path in lost.iterdir():
        path.unlink()
    lost.rmdir()
    told = said("--checkpoint", str(folder))
    assert "an interrupted run goes on: 1 table learned already" in told
    assert "public.orders train" in told
    assert "public.customer train" not in told
    assert rows() == first
    told = said("--checkpoint", str(folder), "--scale", "0.5", code=2)
    assert "belongs to a run with another scale [DBS-230]" in told
    assert "--checkpoint" in said("--checkpoint", str(folder), "--dp-epsilon", "3", code=2)
    assert rows() == first
