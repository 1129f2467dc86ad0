"""Tables that point at their own rows: in parts as in one, what holds along the key in the source holds in the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.pipeline import parts
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.generate import Families
from dbsynth.pipeline.plan import TablePlan
from dbsynth.pipeline.spool import Made
from dbsynth.relation.key_facts import Ranked, Threaded
from dbsynth.synthesizer import Synthesizer

POSTS, COMMENTS = 200, 1_200


def schema(*unique: list[str]) -> dict[str, dict[str, Any]]:
    keys = [{"columns": ["post_id"], "ref_table": "posts"}, {"columns": ["parent_id"], "ref_table": "comments"}]
    comments = {"primary_key": ["id"], "unique": list(unique), "foreign_keys": keys}
    return {"posts": {"primary_key": ["id"]}, "comments": comments}


def blog(*, threads: bool) -> dict[str, pa.Table]:
    """A third of the comments answer one before them: of the same post (``threads``) or of any. The answers to one
    comment differ in ``place``."""
    rng = np.random.default_rng(0)
    post = np.sort(rng.integers(1, POSTS + 1, COMMENTS))
    parent: list[int | None] = []
    taken: dict[int, list[int]] = {}
    place = []
    for row in range(COMMENTS):
        first = int(np.searchsorted(post, post[row])) if threads else 0
        known = int(rng.integers(first, row)) + 1 if row > first and rng.random() < 0.35 else None
        parent.append(known)
        free = np.setdiff1d(np.arange(12), taken.setdefault(known or 0, []))
        place.append(int(rng.choice(free if known else np.arange(12))))
        taken[known or 0].append(place[-1])
    return {
        "posts": pa.table({"id": np.arange(1, POSTS + 1), "country": rng.choice(["DE", "FR"], POSTS)}),
        "comments": pa.table(
            {
                "id": np.arange(1, COMMENTS + 1),
                "post_id": post,
                "parent_id": pa.array(parent, pa.int64()),
                "place": place,
                "votes": rng.integers(0, 20, COMMENTS),
            }
        ),
    }


@pytest.fixture(scope="module", params=[True, False], ids=["threads", "anywhere"])
def model(request: pytest.FixtureRequest) -> Synthesizer:
    tables = blog(threads=request.param)
    made = dbsynth.fit(tables, schema=schema(), seed=1, strategy="independent", device="cpu")
    facts = [f for f in made.plan.facts if isinstance(f, Ranked | Threaded)]
    assert any(isinstance(f, Ranked) and f.column == "id" for f in facts)
    assert any(isinstance(f, Threaded) for f in facts) == request.param
    return made


@pytest.mark.parametrize("part", [parts.PART, 700])
def test_rows_answer_rows_before_them(model: Synthesizer, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART", part)
    made = model.sample(rows={"posts": 900, "comments": 5_000}, seed=3)["comments"]
    id_, post, parent = (made[c] for c in ("id", "post_id", "parent_id"))
    assert list(id_.sort_values()) == list(range(1, 5_001))
    some = parent.notna()
    assert 0.2 < some.mean() < 0.5
    assert (parent[some].astype(int) < id_[some]).all()
    if any(isinstance(f, Threaded) for f in model.plan.facts):
        posts = dict(zip(id_, post, strict=True))
        assert [posts[int(p)] for p in parent[some]] == list(post[some])
    answers = parent[some].value_counts()
    assert 2 <= answers.max() <= 16
    again = model.sample(rows={"posts": 900, "comments": 5_000}, seed=3)["comments"]
    assert again.equals(made)


def part_sizes(model: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], pd.DataFrame]:
    """The rows of the parts of the comments, and the comments, 5,000 in parts of about 700."""
    sizes: list[int] = []
    make = parts.make

    def counted(draft: Draft, ancestors: Sequence[TablePlan], families: Families) -> Made:
        if draft.table.name.name == "comments":
            sizes.append(families.rows)
        return make(draft, ancestors, families)

    monkeypatch.setattr(parts, "make", counted)
    monkeypatch.setattr(parts, "PART", 700)
    return sizes, model.sample(rows={"posts": 900, "comments": 5_000}, seed=3)["comments"]


def test_parts_are_made(model: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, _ = part_sizes(model, monkeypatch)
    assert len(sizes) > 6
    assert max(sizes) < 800


def test_a_unique_key_with_the_row_pointed_at_holds_over_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = schema(["parent_id", "place"])
    model = dbsynth.fit(blog(threads=False), schema=keys, seed=1, strategy="independent", device="cpu")
    sizes, made = part_sizes(model, monkeypatch)
    assert len(sizes) > 6
    some = made[made["parent_id"].notna()]
    assert some["parent_id"].isin(made["id"]).all()
    assert not some.duplicated(["parent_id", "place"]).any()
    assert some.duplicated("parent_id").any()
