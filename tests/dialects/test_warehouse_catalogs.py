"""What warehouses answer by their vendors' pages, and accounts may have set: catalogs, sessions, regions, bills."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from dbsynth_bigquery import connection
from dbsynth_bigquery.connection import raised
from dbsynth_snowflake.connection import raised as snowflake_raised
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from snowflake.connector import errors

from dbsynth.cli import main
from dbsynth.dialect import connect, load_dialect
from dbsynth.errors import CannotClone, ConnectionFailed, PermissionDenied
from dbsynth.schema.model import Identity, TableName


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def made(url: str, *statements: str) -> str:
    database: Any = connect(url)
    for sql in statements:
        database.query(sql)
    database.close()
    return url


def tables_of(url: str, schema: str) -> set[str]:
    database = connect(url)
    try:
        return {t.name.name for t in database.introspect([schema])}
    finally:
        database.close()


# --- Snowflake ------------------------------------------------------------------------------------------------------


@pytest.fixture
def snowflake(snowflake_url: str) -> str:
    return made(
        snowflake_url,
        "CREATE OR REPLACE SCHEMA ODDS",
        "CREATE TABLE ODDS.A (ID NUMBER(9,0) NOT NULL PRIMARY KEY, CONSTRAINT POSITIVE CHECK (ID > 0))",
        "CREATE TABLE ODDS.B (ID NUMBER(9,0) NOT NULL PRIMARY KEY, CONSTRAINT POSITIVE CHECK (ID > 10))",
        "INSERT INTO ODDS.A SELECT column1 FROM VALUES (1),(2),(3)",
    )


def test_checks_of_one_name_stay_with_their_tables(snowflake: str) -> None:
    database = connect(snowflake)
    schema = database.introspect(["ODDS"])
    database.close()
    found = {n: [c.expression.strip("()") for c in schema[TableName("ODDS", n)].checks] for n in ("A", "B")}
    assert {n: [text.replace('"', "") for text in texts] for n, texts in found.items()} == {
        "A": ["ID > 0"],
        "B": ["ID > 10"],
    }


def test_keys_that_show_does_not_tell_are_warned_of(
    snowflake: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = connect(snowflake)
    database.introspect(["ODDS"])
    assert "KEYS" not in caplog.text
    monkeypatch.setattr("dbsynth_snowflake.database.MOST_SHOWN", 2)
    database.introspect(["ODDS"])
    database.close()
    assert "schema ODDS: SHOW primary KEYS tells 2 rows" in caplog.text


def test_a_schema_that_the_url_of_a_target_names(snowflake: str) -> None:
    made(snowflake, "CREATE OR REPLACE SCHEMA NAMED")
    target = snowflake.replace("/DEV?", "/DEV/NAMED?")
    result = run("clone", snowflake + "#ODDS", "--to", target, "--seed", "1", "-q")
    assert result.exit_code == 0, result.stderr
    assert tables_of(snowflake, "NAMED") == {"A", "B"}
    other = run("clone", snowflake + "#ODDS", "--to", target + "#OTHER", "--seed", "1", "-q")
    assert other.exit_code == 0, other.stderr
    assert tables_of(snowflake, "OTHER") == {"A", "B"}
    itself = run("clone", snowflake.replace("/DEV?", "/DEV/ODDS?"), "--to", snowflake.replace("/DEV?", "/DEV/ODDS?"))
    assert itself.exit_code == 2
    assert "is never written" in itself.stderr


def test_a_session_that_is_gone_is_opened_again(snowflake: str) -> None:
    database: Any = connect(snowflake.replace("fake:", "lost:"))
    assert database.count([TableName("ODDS", "A")]) == {TableName("ODDS", "A"): 3}
    database.close()


def test_parameters_of_the_account_change_nothing(snowflake: str) -> None:
    """Autocommit off, one row a result."""
    odd = snowflake.replace("fake:", "odd:")
    assert tables_of(odd, "ODDS") == {"A", "B"}
    made(odd, "INSERT INTO ODDS.A SELECT column1 FROM VALUES (4),(5)")
    database = connect(snowflake)
    assert database.count([TableName("ODDS", "A")]) == {TableName("ODDS", "A"): 5}
    database.close()


def test_a_default_of_a_sequence_counts_by_itself_in_the_clone() -> None:
    from dbsynth_snowflake.database import _column

    row = dict.fromkeys(("length", "moment_precision", "collation", "comment"))
    row |= {"name": "ID", "type": "NUMBER", "precision": 38, "scale": 0, "nullable": "NO", "identity": "NO"}
    column = _column({**row, "default": "PROD.SHOP.ORDER_IDS.NEXTVAL"})
    assert column.identity == Identity(always=False)
    assert column.default is None
    assert _column({**row, "default": "1"}).default == "1"


@pytest.mark.parametrize(
    ("error", "kind", "transient", "hint"),
    [
        (errors.ProgrammingError("syntax error", errno=1003), CannotClone, False, ""),
        (
            errors.ProgrammingError("Time travel data is not available for table T.", errno=707),
            CannotClone,
            False,
            "dbsynth_snapshot=off",
        ),
        (errors.OperationalError("no answer", errno=250003), ConnectionFailed, True, "reachable"),
        (errors.ProgrammingError("no such table", errno=2003), PermissionDenied, False, "?role=NAME"),
        (errors.ProgrammingError("no warehouse", errno=606), ConnectionFailed, False, "?warehouse=NAME"),
    ],
)
def test_errors_of_the_connector(error: Exception, kind: type[Exception], transient: bool, hint: str) -> None:
    with pytest.raises(kind) as caught, snowflake_raised("table t"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.transient is transient  # type: ignore[attr-defined]
    assert hint in caught.value.hint  # type: ignore[attr-defined]


# --- BigQuery -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bigquery(bigquery_url: str) -> str:
    """A URL that says no location, of a project whose dataset ``odds`` is in the EU."""
    url = bigquery_url.replace("&location=EU", "")
    european: Any = connect(bigquery_url)
    for name in ("odds", "odds_dev", "odds_named"):
        european.client.delete_dataset(name, delete_contents=True, not_found_ok=True)
    dataset = _dataset(european.client.project, "odds", "EU")
    european.client.create_dataset(dataset)
    european.close()
    return made(
        url,
        "CREATE TABLE `proj`.`odds`.`t` (id INT64 NOT NULL, PRIMARY KEY (id) NOT ENFORCED)",
        "INSERT INTO `proj`.`odds`.`t` (id) VALUES (1), (2), (3)",
    )


def _dataset(project: str, name: str, location: str) -> Any:
    from google.cloud.bigquery import Dataset

    made_here = Dataset(f"{project}.{name}")
    made_here.location = location
    return made_here


def location_of(url: str, name: str) -> str | None:
    database: Any = connect(url)
    try:
        return database.location_of(name)  # type: ignore[no-any-return]
    finally:
        database.close()


def test_a_dataset_is_made_where_the_source_is(bigquery: str) -> None:
    result = run("clone", bigquery + "#odds", "--to", "odds_dev", "--seed", "1", "-q")
    assert result.exit_code == 0, result.stderr
    assert location_of(bigquery, "odds_dev") == "EU"
    assert location_of(bigquery, "no_such") is None


def test_a_dataset_that_the_url_of_a_target_names(bigquery: str) -> None:
    target = bigquery.replace("//proj?", "//proj/odds_named?")
    result = run("clone", bigquery + "#odds", "--to", target, "--seed", "1", "-q")
    assert result.exit_code == 0, result.stderr
    assert tables_of(bigquery, "odds_named") == {"t"}


def test_a_target_in_another_region_is_refused_before_anything_is_made(bigquery: str) -> None:
    database: Any = connect(bigquery)
    database.client.create_dataset(_dataset("proj", "odds_dev", "US"))
    before = [name for name, _ in database.schema_names()]
    for source, target in ((bigquery + "#odds", "odds_dev"), (bigquery.replace("//proj?", "//proj/odds?"), "odds_dev")):
        result = run("clone", source, "--to", target, "--seed", "1", "-q")
        assert result.exit_code == 2
        assert "the dataset odds_dev is in US" in result.stderr
        assert "name another dataset" in result.stderr
    assert [name for name, _ in database.schema_names()] == before
    database.close()


def test_a_plan_says_how_the_target_appears_and_what_it_does_not_enforce(bigquery: str, tmp_path: Path) -> None:
    inside = run("plan", bigquery + "#odds", "--to", "odds_dev")
    assert inside.exit_code == 0, inside.stderr
    told = " ".join(inside.stdout.split())
    assert "it changes in steps: CREATE OR REPLACE TABLE ... COPY" in told
    assert "declared, not enforced there: primary key, foreign key; rows keep them" in told
    assert "not declared there: unique, check; rows keep them" in told
    out = run("plan", bigquery + "#odds", "--to", f"duckdb:///{tmp_path}/dev.duckdb#shop", "--json")
    assert json.loads(out.stdout)["promises"] == []


def test_looking_at_keys_is_not_billed_beyond_the_limit(bigquery: str) -> None:
    over = run("inspect", bigquery + "#odds", "--check-keys", "--max-bytes", "1")
    assert over.exit_code == 4
    assert "limit for bytes billed" in over.stderr
    assert "raise --max-bytes" in over.stderr
    within = run("inspect", bigquery + "#odds", "--check-keys", "--max-bytes", "1MiB")
    assert within.exit_code == 0, within.stderr


LIMIT = "Query exceeded limit for bytes billed: 1000000. 10485760 or higher required."


@pytest.mark.parametrize(
    ("error", "kind", "transient", "hint"),
    [
        (api.InternalServerError(LIMIT), CannotClone, False, "--max-bytes"),
        (api.BadRequest(LIMIT), CannotClone, False, "--max-bytes"),
        (
            api.BadRequest("Cannot query over table 'p.d.t' without a filter for partition elimination"),
            CannotClone,
            False,
            "require_partition_filter",
        ),
        (api.Forbidden("Exceeded rate limits", [{"reason": "rateLimitExceeded"}]), ConnectionFailed, True, "later"),
        (api.Forbidden("Quota exceeded", [{"reason": "quotaExceeded"}]), ConnectionFailed, False, "quota"),
        (api.Forbidden("Access Denied", [{"reason": "accessDenied"}]), PermissionDenied, False, "dataViewer"),
        (api.ServiceUnavailable("busy"), ConnectionFailed, True, "reachable"),
        (api.RetryError("Timeout of 600.0s exceeded", None), ConnectionFailed, False, "reachable"),
        (requests.exceptions.ConnectionError("connection reset"), ConnectionFailed, True, "reachable"),
        (auth.TransportError("no route"), ConnectionFailed, True, "reachable"),
    ],
)
def test_errors_of_the_api(error: Exception, kind: type[Exception], transient: bool, hint: str) -> None:
    with pytest.raises(kind) as caught, raised("table t"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.transient is transient  # type: ignore[attr-defined]
    assert hint in caught.value.hint  # type: ignore[attr-defined]


def test_a_service_that_does_not_answer_is_told_of_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_ANSWER", 1.0)
    result = run("inspect", "bigquery://proj/ds?credentials=anonymous&api_endpoint=http://127.0.0.1:1")
    assert result.exit_code == 3
    assert "is BigQuery reachable?" in result.stderr


@pytest.mark.parametrize("name", ["bigquery", "duckdb", "postgresql", "snowflake"])
def test_each_kind_of_constraint_has_the_page_of_its_vendor(name: str) -> None:
    capabilities = load_dialect(name).capabilities
    assert set(capabilities.pages) == set(capabilities.constraints)
    assert all(page.startswith("https://") for page in capabilities.pages.values())
