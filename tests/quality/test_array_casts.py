"""What PostgreSQL prints of one condition in two ways is one condition."""

from __future__ import annotations

import pytest

from dbsynth.quality.sql_texts import canonical

WHOLE = "((level)::text = ANY ((ARRAY[{}])::text[]))"
EACH = "((level)::text = ANY (ARRAY[{}]))"


@pytest.mark.parametrize("labels", [["basic"], ["basic", "gold"], ["a , b", "c]", "(d"], ["it''s", "::text[]"]])
def test_a_cast_of_an_array_is_that_of_its_items(labels: list[str]) -> None:
    items = [f"'{x}'::character varying" for x in labels]
    whole = WHOLE.format(", ".join(items))
    each = EACH.format(", ".join(f"({x})::text" for x in items))
    assert canonical(whole, {}) == canonical(each, {})


def test_other_labels_are_another_condition() -> None:
    assert canonical(WHOLE.format("'a'::text"), {}) != canonical(WHOLE.format("'b'::text"), {})
