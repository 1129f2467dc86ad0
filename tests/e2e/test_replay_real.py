"""Generated workloads on clones of real databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbsynth.dialect import parse_url
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.replay import ReplayOptions, replay
from tests.clones import Clone

pytestmark = pytest.mark.databases

QUERIES = {
    "chinook": """
        select g.name, count(*), sum(l.unit_price * l.quantity) from invoice_line l
            join track t using (track_id) join public.genre g using (genre_id) group by g.name order by 3 desc;
        with spent as (select customer_id, sum(total) as s from invoice group by customer_id)
            select c.country, avg(s) from spent join customer c using (customer_id) group by c.country;
        select a.title, count(*) over (partition by a.artist_id) from album a limit 20;
    """,
    "pagila17": """
        select date_trunc('month', last_update), count(*) from rental group by 1;
        select f.rating, count(distinct i.store_id) from film f left join inventory i using (film_id)
            where f.rating <> 'G'::public.mpaa_rating group by f.rating;
        select c.name, sum(p.amount) from payment p join rental r on r.rental_id = p.rental_id
            join inventory i using (inventory_id) join film_category fc using (film_id)
            join category c using (category_id) group by c.name having sum(p.amount) > 10;
    """,
}


@pytest.mark.parametrize("name", QUERIES)
def test_most_queries_behave_alike_on_a_clone(cloned: Callable[[str], Clone], name: str, tmp_path: Path) -> None:
    pair = cloned(name)
    asked = CloneOptions(parse_url(pair.source), parse_url(pair.target), seed=1)
    found = replay(ReplayOptions(asked))
    assert len(found.compared) >= 100
    assert [q.says for q in found.workload.queries if q.q_error is None] == []
    assert found.workload.share >= 0.95, found.workload.findings
    file = tmp_path / "queries.sql"
    file.write_text(QUERIES[name])
    own = replay(ReplayOptions(asked, "file", file))
    assert len(own.compared) == 3
    assert own.workload.share == 1, own.workload.findings
