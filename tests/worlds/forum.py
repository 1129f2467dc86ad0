"""Users who have nothing but a number, and what they write: threads, posts that answer each other, votes that are cast
and withdrawn in turn, and reviews that go through the states of a machine."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.worlds.world import SIMULATED, Fact, Truth, World, cumulated, draw, moments, position

ACTIVITY = 1.3
"""Spread of ln(activity) of a user: threads and posts are shared out by it."""
LN_WORDS, USER_SPREAD, POST_SPREAD = np.log(60), 0.6, 0.5
"""ln(words) of a post: of all, between the means of users, within a user."""
BOARDS = np.array(["general", "help", "trade"])
P_BOARD = np.array([0.5, 0.3, 0.2])
POSTS = np.array([4.0, 7.0, 2.0])
"""Mean per thread of a board: 1 + Poisson."""
P_ANSWERS_FIRST = 0.5
"""Else one of the earlier posts of the thread, each alike."""
VOTES = 0.8
"""Mean of a Poisson number per post."""
STATES = np.array(["new", "open", "spam", "answered", "closed"])
STEPS = np.array([[0, 0.9, 0.1, 0, 0], [0, 0, 0, 0.7, 0.3], [0, 0, 0, 0, 0], [0, 0.4, 0, 0, 0.6], [0, 0, 0, 0, 0]])
"""Chances of the next state; a state without any is final."""
LONGEST = 12
DAY = 86_400

DDL = """
create table users (user_id int primary key);
create table thread (
    thread_id int primary key, user_id int not null references users, board varchar(10) not null,
    created_at timestamp(0) not null);
create table post (
    post_id int primary key, thread_id int not null references thread, user_id int not null references users,
    parent_id int references post, created_at timestamp(0) not null, words int not null check (words > 0));
create table vote (
    vote_id int primary key, post_id int not null references post, voted_at timestamp(0) not null,
    kind varchar(10) not null check (kind in ('cast', 'withdrawn')));
create table review (
    review_id int primary key, post_id int not null references post, reviewed_at timestamp(0) not null,
    status varchar(10) not null);
"""


def walks(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The states that ``n`` reviews go through, one walk after another, and the lengths of the walks."""
    states = np.zeros((n, LONGEST), int)
    going = np.ones((n, LONGEST), bool)
    for i in range(1, LONGEST):
        final = STEPS[states[:, i - 1]].sum(axis=1) == 0
        going[:, i] = going[:, i - 1] & ~final
        states[:, i] = np.where(going[:, i], draw(rng, np.where(final[:, None], 0.2, STEPS[states[:, i - 1]])), 0)
    return states[going], going.sum(axis=1)


def after(rng: np.random.Generator, begin: np.ndarray, counts: np.ndarray, days: float) -> np.ndarray:
    """Moments after those of their parents, with exponential gaps."""
    return np.repeat(begin, counts) + cumulated(1 + (rng.exponential(days * DAY, counts.sum())).astype(int), counts)


def tables(scale: float, seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    users, threads = round(500 * scale), round(500 * scale)
    activity = np.exp(rng.normal(0, ACTIVITY, users))
    activity /= activity.sum()
    manner = rng.normal(LN_WORDS, USER_SPREAD, users)
    board = rng.choice(3, threads, p=P_BOARD)
    created = np.sort(rng.integers(0, 700 * DAY, threads))

    counts = 1 + rng.poisson(POSTS[board] - 1)
    thread, place, posts = np.repeat(np.arange(threads), counts), position(counts), counts.sum()
    at = after(rng, created, counts, 2)
    first = np.arange(posts) - place
    parent = first + np.where(rng.random(posts) < P_ANSWERS_FIRST, 0, np.floor(rng.random(posts) * place).astype(int))
    by_time = np.argsort(at, kind="stable")
    number = np.empty(posts, int)
    number[by_time] = np.arange(1, posts + 1)
    author = rng.choice(users, posts, p=activity)
    post = pd.DataFrame(
        {
            "post_id": number,
            "thread_id": thread + 1,
            "user_id": author + 1,
            "parent_id": pd.Series(number[parent], dtype="Int64").mask(place == 0),
            "created_at": moments("2022-01-01", at),
            "words": np.maximum(1, np.exp(rng.normal(manner[author], POST_SPREAD)).round().astype(int)),
        }
    ).sort_values("post_id")

    votes = rng.poisson(VOTES, posts)
    states, steps = walks(rng, posts)
    return {
        "users": pd.DataFrame({"user_id": np.arange(1, users + 1)}),
        "thread": pd.DataFrame(
            {
                "thread_id": np.arange(1, threads + 1),
                "user_id": rng.choice(users, threads, p=activity) + 1,
                "board": BOARDS[board],
                "created_at": moments("2022-01-01", created),
            }
        ),
        "post": post,
        "vote": pd.DataFrame(
            {
                "vote_id": np.arange(1, votes.sum() + 1),
                "post_id": np.repeat(number, votes),
                "voted_at": moments("2022-01-01", after(rng, at, votes, 3)),
                "kind": np.where(position(votes) % 2 == 0, "cast", "withdrawn"),
            }
        ),
        "review": pd.DataFrame(
            {
                "review_id": np.arange(1, steps.sum() + 1),
                "post_id": np.repeat(number, steps),
                "reviewed_at": moments("2022-01-01", after(rng, at, steps, 1)),
                "status": STATES[states],
            }
        ),
    }


PER_USER = "select user_id, count({0}_id) as {1} from users left join {0} using (user_id) group by 1"


def share_of_top(table: str) -> str:
    return f"""select sum(n) filter (where rank <= 0.1) / sum(n) from (select n, percent_rank() over (
    order by n desc, user_id) as rank from ({PER_USER.format(table, "n")}) u) r"""


TREE = """with recursive tree as (select post_id, 0 as depth from post where parent_id is null
union all select p.post_id, depth + 1 from post p join tree on p.parent_id = tree.post_id where depth < 100) """
WORDS = """(select ln(words) as ln, lag(ln(words)) over (partition by user_id order by created_at, post_id) as before
from post) w"""
ANSWER = "post p join post q on q.post_id = p.parent_id"
STEP = """(select status, lag(status) over (partition by post_id order by reviewed_at, review_id) as before,
lead(status) over (partition by post_id order by reviewed_at, review_id) as after from review) s"""

TRUTHS = (
    Truth("share of posts by the most active tenth of users", share_of_top("post"), 0.509, 0.1, SIMULATED),
    Truth("share of threads by the most active tenth of users", share_of_top("thread"), 0.56, 0.12, SIMULATED),
    Truth(
        "correlation of a user's threads and posts (ranks)",
        "select corr(a, b) from (select rank() over (order by t) as a, rank() over (order by p) as b from "
        f"({PER_USER.format('thread', 't')}) x join ({PER_USER.format('post', 'p')}) y using (user_id)) r",
        0.581, 0.2, SIMULATED,
    ),
    Truth(
        "correlation of ln(words) of successive posts of a user",
        f"select corr(ln, before) from {WORDS}",
        0.585, 0.2, SIMULATED + "; about USER_SPREAD² / (USER_SPREAD² + POST_SPREAD²)",
    ),
    *(
        Truth(
            f"posts per thread, {board}",
            "select count(*)::float / count(distinct thread_id) from post join thread using (thread_id) where "
            f"board = '{board}'",
            mean, 0.8, "POSTS",
        )
        for board, mean in zip(BOARDS, POSTS, strict=True)
    ),
    Truth("mean depth of a post", TREE + "select avg(depth) from tree", 1.015, 0.2, SIMULATED),
    Truth("P(depth = 1)", TREE + "select avg((depth = 1)::int) from tree", 0.58, 0.1, SIMULATED),
    Truth("votes per post", "select (select count(*) from vote)::float / count(*) from post", VOTES, 0.1, "VOTES"),
    *(
        Truth(
            f"P({STATES[b]} after {STATES[a]})",
            f"select avg((after = '{STATES[b]}')::int) from {STEP} where status = '{STATES[a]}' and after is not null",
            STEPS[a, b], 0.06, "STEPS",
        )
        for a, b in ((0, 1), (1, 3), (3, 4))
    ),
)  # fmt: skip

ALLOWED = ", ".join(f"('{STATES[a]}', '{STATES[b]}')" for a, b in zip(*np.nonzero(STEPS), strict=True))
FACTS = (
    Fact("posts form trees", TREE + "select (select count(*) from post) - count(*) from tree"),
    Fact("a post answers one of its thread", f"select count(*) from {ANSWER} where p.thread_id <> q.thread_id"),
    Fact("a post answers an earlier one", f"select count(*) from {ANSWER} where p.created_at <= q.created_at"),
    Fact(
        "one first post a thread",
        "select count(*) from (select 1 from post group by thread_id having count(*) filter (where parent_id is "
        "null) <> 1) t",
    ),
    Fact(
        "votes are cast and withdrawn in turn",
        "select count(*) from (select kind, row_number() over (partition by post_id order by voted_at, vote_id) "
        "as n from vote) v where (kind = 'cast') <> (n % 2 = 1)",
    ),
    Fact("a review starts as new", f"select count(*) from {STEP} where before is null and status <> 'new'"),
    Fact(
        "only steps of the machine",
        f"select count(*) from {STEP} where before is not null and (before, status) not in ({ALLOWED})",
    ),
    Fact(
        "no post before its thread",
        "select count(*) from post p join thread t using (thread_id) where p.created_at < t.created_at",
    ),
)  # fmt: skip

WORLD = World("forum", DDL, tables, TRUTHS, FACTS)
