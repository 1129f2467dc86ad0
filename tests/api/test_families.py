"""What rows of one parent have in common, learned and made again: nothing of the parent says it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import dbsynth

USERS = 400
SCHEMA: dict[str, dict[str, Any]] = {
    "users": {"primary_key": ["id"]},
    "posts": {"primary_key": ["id"], "foreign_keys": [{"columns": ["user_id"], "ref_table": "users"}]},
    "votes": {"primary_key": ["id"], "foreign_keys": [{"columns": ["user_id"], "ref_table": "users"}]},
}


@pytest.fixture(scope="module")
def forum() -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Users who have nothing but an id: half of them write long posts and vote up, half the contrary; a post a week."""
    rng = np.random.default_rng(1)
    style = rng.integers(0, 2, USERS)
    author, voter = (np.repeat(np.arange(USERS), rng.integers(2, 8, USERS)) for _ in range(2))
    place = pd.Series(author).groupby(author).cumcount().to_numpy()
    begin = rng.integers(0, 700, USERS)
    frames: dict[str, Any] = {
        "users": pd.DataFrame({"id": np.arange(USERS)}),
        "posts": pd.DataFrame(
            {
                "id": np.arange(len(author)),
                "user_id": author,
                "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(begin[author] + 7 * place, "D"),
                "words": rng.poisson(np.where(style[author] == 1, 300, 40)),
            }
        ),
        "votes": pd.DataFrame(
            {
                "id": np.arange(len(voter)),
                "user_id": voter,
                "up": rng.random(len(voter)) < np.where(style[voter] == 1, 0.9, 0.1),
            }
        ),
    }
    return frames, dbsynth.fit(frames, schema=SCHEMA, seed=1).sample(seed=2)


def test_a_users_posts_are_alike(forum: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]) -> None:
    real, made = (frames["posts"].sort_values(["user_id", "day"]) for frames in forum)
    for rows, least in ((real, 0.9), (made, 0.5)):
        before = rows.words.groupby(rows.user_id).shift(1)
        assert rows.words.corr(before) > least


def test_tables_that_share_nothing_but_the_user_agree(
    forum: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    for frames, least in zip(forum, (0.8, 0.3), strict=True):
        words = frames["posts"].groupby("user_id").words.mean()
        up = frames["votes"].groupby("user_id").up.mean()
        assert words.corr(up) > least


def test_posts_come_week_by_week(forum: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]) -> None:
    made = forum[1]["posts"].sort_values(["user_id", "day"])
    assert set(made.day.groupby(made.user_id).diff().dropna().dt.days) == {7}
    assert made.day.between("2024-01-01", "2026-02-15").all()
