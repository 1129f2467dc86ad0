"""A stand-in Snowflake server for the tests: ``python snowflake_server.py PORT``.

Real clients connect to it over HTTP. Rows live in DuckDB and fakesnow translates the SQL; declarations (keys, types,
comments, policies) live in a registry, because fakesnow enforces what Snowflake only records and reports it wrongly.

Databases are made at the first connection that names one, unless the name starts with UNKNOWN. Behaviour on demand:
password ``wrong`` is refused; role ``NOBODY`` may read no table; user ``flaky`` gets HTTP 503 for the first query of
each session; user ``expired`` gets an expired token for every query; the first session of user ``lost`` is closed at
its first query; the account's parameters for user ``odd`` are not the defaults.
"""

from __future__ import annotations

import gzip
import itertools
import json
import secrets
import shutil
import sys
import threading
import uuid
from typing import Any

import snowflake_catalog as catalog
import uvicorn
from fakesnow.converter import from_binding
from fakesnow.instance import FakeSnow
from snowflake_queries import DATABASE, MACROS
from snowflake_registry import Registry, SnowflakeError, split_name
from snowflake_results import encoded
from snowflake_stages import ROOT, receive
from snowflake_statements import Answer, Session
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

VERSION = "9.40.1"
DML = range(0x3000, 0x3600)  # statement types whose row counts clients read from a JSON row set


class Server:
    """All sessions; statements run one after the other, since DuckDB's transactions share one process."""

    def __init__(self) -> None:
        self.duck = FakeSnow()
        self.registry = Registry()
        self.sessions: dict[str, Session] = {}
        self.failed_once: set[int] = set()
        self.lost = False
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        first = self.duck.connect(DATABASE, "PUBLIC")
        first._duck_conn.execute(MACROS)
        catalog.count_rows = lambda table: first._duck_conn.execute(
            f"SELECT count(*) FROM {table.physical}"
        ).fetchall()[0][0]

    def open(self, body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        """https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-connect"""
        data = body["data"]
        user = str(data.get("LOGIN_NAME") or "").upper()
        if data.get("PASSWORD") == "wrong":
            message = "Incorrect username or password was specified."
            return {"data": {"nextAction": "RETRY_LOGIN"}, "code": "390100", "message": message, "success": False}
        with self.lock:
            token = secrets.token_urlsafe(32)
            session = Session(self.registry, self.duck.connect(DATABASE, "PUBLIC"), next(self.numbers), user)
            self.sessions[token] = session
            if user == "ODD":
                session.set_parameters({"AUTOCOMMIT": "false", "ROWS_PER_RESULTSET": "1"})
            parameters = data.get("SESSION_PARAMETERS") or {}
            session.set_parameters({name: str(value) for name, value in parameters.items()})
            given = {name: split_name(query[key])[-1] for name, key in NAMED if query.get(key)}
            session.role = given.get("role", "ACCOUNTADMIN")
            session.warehouse = given.get("warehouse")
            if database := given.get("database"):
                if database not in self.registry.databases and not database.startswith("UNKNOWN"):
                    self.registry.create_database(database)
                session.enter(database, given.get("schema"))
        return {
            "data": {
                "token": token,
                "masterToken": token,
                "validityInSeconds": 3600,
                "masterValidityInSeconds": 14400,
                "displayUserName": user,
                "serverVersion": VERSION,
                "sessionId": session.number,
                "parameters": session.client_parameters(),
                "sessionInfo": session.info(),
            },
            "code": None,
            "message": None,
            "success": True,
        }

    def close(self, token: str) -> None:
        with self.lock:
            if session := self.sessions.pop(token, None):
                session.close()

    def answer(self, session: Session, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one statement."""
        bindings = body.get("bindings") or {}
        query_id = str(uuid.uuid4())
        with self.lock:
            try:
                answer = session.run(body["sqlText"], _values(bindings), describe=bool(body.get("describeOnly")))
            except SnowflakeError as error:
                return _failed(f"{error.code:06d}", error.state, error.message, query_id)
            except Exception as error:
                # An HTTP 500 would be retried by the client for seconds; the test should see the defect at once.
                return _failed("001003", "42000", f"stand-in: {type(error).__name__}: {error}", query_id)
            return self._success(session, answer, query_id)

    def _success(self, session: Session, answer: Answer, query_id: str) -> dict[str, Any]:
        if answer.upload is not None:
            return {"data": answer.upload | {"queryId": query_id}, "code": None, "message": None, "success": True}
        rows = answer.result.rows
        if most := int(session.parameters.get("ROWS_PER_RESULTSET", 0)):
            rows = rows.slice(0, most)
        kinds, stream = encoded(rows, answer.result.declared)
        data: dict[str, Any] = {
            "parameters": session.client_parameters(),
            "rowtype": kinds,
            "total": rows.num_rows,
            "returned": rows.num_rows,
            "queryId": query_id,
            "statementTypeId": answer.kind,
            "numberOfBinds": answer.binds,
            "arrayBindSupported": answer.kind == 0x3100,
            "version": 1,
            **session.final(),
        }
        if answer.kind in DML:
            listed = zip(*(column.to_pylist() for column in rows.columns), strict=True)
            data["queryResultFormat"] = "json"
            data["rowset"] = [[None if value is None else str(value) for value in row] for row in listed]
        else:
            data["queryResultFormat"] = "arrow"
            data["rowsetBase64"] = stream
        return {"data": data, "code": None, "message": None, "success": True}


NAMED = (("database", "databaseName"), ("schema", "schemaName"), ("warehouse", "warehouse"), ("role", "roleName"))


def _failed(code: str, state: str | None, message: str, query_id: str) -> dict[str, Any]:
    data = {"internalError": False, "errorCode": code, "sqlState": state, "queryId": query_id}
    return {"data": data, "code": code, "message": message, "success": False}


def _values(bindings: dict[str, dict[str, Any]]) -> list[Any]:
    """Bound values in order; a batch binds a list to each."""

    def value(binding: dict[str, Any], raw: Any) -> Any:
        if raw is None:
            return None
        return float(raw) if binding["type"] == "REAL" else from_binding({**binding, "value": raw})

    return [
        [value(binding, each) for each in binding["value"]]
        if isinstance(binding["value"], list)
        else value(binding, binding["value"])
        for binding in (bindings[key] for key in sorted(bindings, key=int))
    ]


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        raw = gzip.decompress(raw)
    parsed: dict[str, Any] = json.loads(raw or b"{}")
    return parsed


def _token(request: Request) -> str:
    """The token of ``Authorization: Snowflake Token="..."``."""
    return request.headers.get("authorization", "").removeprefix('Snowflake Token="').removesuffix('"')


def application(server: Server) -> Starlette:
    async def login(request: Request) -> JSONResponse:
        return JSONResponse(server.open(await _body(request), dict(request.query_params)))

    async def query(request: Request) -> JSONResponse:
        body = await _body(request)
        session = server.sessions.get(_token(request))
        if session is None:
            message = "Session no longer exists. New login required to access the service."
            return JSONResponse({"data": None, "code": "390111", "message": message, "success": False})
        if session.user == "FLAKY" and session.number not in server.failed_once:
            server.failed_once.add(session.number)
            return JSONResponse({}, status_code=503)
        if session.user == "EXPIRED":
            message = "Authentication token has expired. The user must authenticate again."
            return JSONResponse({"data": None, "code": "390114", "message": message, "success": False})
        if session.user == "LOST" and not server.lost:
            server.lost = True
            await run_in_threadpool(server.close, _token(request))
            message = "Session no longer exists. New login required to access the service."
            return JSONResponse({"data": None, "code": "390111", "message": message, "success": False})
        session.stages.address = f"http://{request.url.netloc}/stages"
        return JSONResponse(await run_in_threadpool(server.answer, session, body))

    async def upload(request: Request) -> Response:
        path, content = request.path_params["path"], await request.body()
        if "*" in path or "?" in path:
            # The address was given for a pattern of files; after a 400 clients ask for one of each file's own.
            return Response(status_code=400)
        return Response(status_code=200 if await run_in_threadpool(receive, path, content) else 403)

    async def session(request: Request) -> JSONResponse:
        if request.query_params.get("delete"):
            await run_in_threadpool(server.close, _token(request))
        return JSONResponse({"data": None, "code": None, "message": None, "success": True})

    async def done(request: Request) -> JSONResponse:
        return JSONResponse({"data": None, "code": None, "message": None, "success": True})

    def renew(request: Request) -> JSONResponse:
        data = {"sessionToken": _token(request), "validityInSecondsST": 3600, "masterToken": _token(request)}
        data |= {"validityInSecondsMT": 14400, "sessionId": 1}
        return JSONResponse({"data": data, "code": None, "message": None, "success": True})

    return Starlette(
        routes=[
            Route("/session/v1/login-request", login, methods=["POST"]),
            Route("/queries/v1/query-request", query, methods=["POST"]),
            Route("/queries/v1/abort-request", done, methods=["POST"]),
            Route("/stages/{path:path}", upload, methods=["PUT"]),
            Route("/session", session, methods=["POST"]),
            Route("/session/heartbeat", session, methods=["POST"]),
            Route("/session/token-request", renew, methods=["POST"]),
            Route("/telemetry/send", done, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    try:
        uvicorn.run(application(Server()), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
    finally:
        shutil.rmtree(ROOT, ignore_errors=True)
