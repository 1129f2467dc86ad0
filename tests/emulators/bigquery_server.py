"""A stand-in for BigQuery: bqemulator (DuckDB beneath) over HTTP, with what it forgets kept in a registry.

    python bigquery_server.py start --rest-port 9050 --grpc-port 9060 --log-level warning

Beyond bqemulator it answers keys, types, defaults and descriptions as declared, ``__TABLES__``, CREATE TABLE ... COPY,
FOR SYSTEM_TIME AS OF (always with today's rows), the bytes of a dry run, a dataset in another location than the job's,
and by the project's name the faults of the real service: ``denied`` (403), ``expired`` (401), ``flaky`` (503 once).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import bqemulator.api.routes.upload as upload
import duckdb_extensions
from bigquery_catalog import ROW_BYTES, answered
from bigquery_registry import TABLES, declare
from bqemulator import server
from starlette.requests import Request

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
PATH = re.compile(r"/projects/([^/]+)(?:/datasets/([^/]+)(?:/tables/([^/]+))?)?")
AS_OF = re.compile(r"\s+FOR\s+SYSTEM_TIME\s+AS\s+OF\s+TIMESTAMP\s*\(?\s*('[^']*'|\"[^\"]*\")\s*\)?", re.IGNORECASE)
MENTIONED = re.compile(r"`([\w-]+)`\.`(\w+)`\.`([^`]+)`")
FAULTS = {
    "denied": (
        403,
        "accessDenied",
        "Access Denied: Project denied: User does not have bigquery.jobs.create permission",
    ),
    "expired": (401, "authError", "Request had invalid authentication credentials."),
    "flaky": (503, "backendError", "The service is currently unavailable."),
}


class StandIn:
    """ASGI: rewrites requests on their way to the emulator, and some answers on their way back."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.lock = asyncio.Lock()  # one DuckDB connection serves all clients
        self.failed: set[str] = set()
        self.locations: dict[tuple[str, str], str] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, found = scope["path"], PATH.search(scope["path"])
        project = found[1] if found else ""
        body = await Request(scope, receive).body()
        if fault := self._fault(project, scope["method"] + path):
            await _answer(send, fault[0], _error(*fault))
            return
        async with self.lock:
            if found and scope["method"] == "POST" and re.search(r"/(queries|jobs)$", path) and "/upload/" not in path:
                body, known = self._query(body, project)
                known = known or await self._over(scope, project, body)
                if known is not None:
                    await _answer(send, known[0], known[1])
                    return
            status, headers, data = await self._ask(scope, body)
            if found and status == 200 and body and path.rstrip("/").endswith("/datasets"):
                self._remember(project, json.loads(data))
            if found and scope["method"] == "DELETE":
                _forget(found)
            if b'"dryRun": true' in body or b'"dryRun":true' in body:
                data = await self._priced(scope, data, project, body)
        length = (b"content-length", str(len(data)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": data})

    def _fault(self, project: str, what: str) -> tuple[int, str, str] | None:
        if project == "flaky":
            if what in self.failed:
                return None
            self.failed.add(what)
        return FAULTS.get(project)

    def _query(self, body: bytes, project: str) -> tuple[bytes, tuple[int, Message] | None]:
        """The request with its statement rewritten, or the answer to it."""
        request = json.loads(body)
        query = request if "query" in request else request.get("configuration", {}).get("query")
        if not query or "query" not in query:
            return body, None
        asked = request.get("location") or request.get("jobReference", {}).get("location")
        dataset = (query.get("defaultDataset") or {}).get("datasetId", "")
        sql = AS_OF.sub("", query["query"])
        for p, d in {(m[1], m[2]) for m in MENTIONED.finditer(sql)}:
            known = self.locations.get((p, d))
            if asked and known and asked.upper() != known.upper():
                message = f"Not found: Dataset {p}:{d} was not found in location {asked}"
                return body, (404, _error(404, "notFound", message))
        query["query"] = answered(declare(sql, project, dataset), project)
        return json.dumps(request).encode(), None

    def _remember(self, project: str, dataset: Message) -> None:
        reference = dataset.get("datasetReference")
        if reference:
            self.locations[project, reference["datasetId"]] = dataset.get("location", "US")

    async def _priced(self, scope: dict[str, Any], data: bytes, project: str, body: bytes) -> bytes:
        """A dry run tells bytes: here ``ROW_BYTES`` a row of each table that is mentioned."""
        reply = json.loads(data)
        total = await self._bytes(scope, project, _query_of(body))
        reply["totalBytesProcessed"] = str(total)
        statistics = reply.setdefault("statistics", {})
        statistics["totalBytesProcessed"] = str(total)
        statistics.setdefault("query", {})["totalBytesProcessed"] = str(total)
        return json.dumps(reply).encode()

    async def _over(self, scope: dict[str, Any], project: str, body: bytes) -> tuple[int, Message] | None:
        """https://cloud.google.com/bigquery/docs/best-practices-costs#restrict-bytes-billed"""
        query = _query_of(body)
        most = query.get("maximumBytesBilled")
        if most is None or (needed := await self._bytes(scope, project, query)) <= int(most):
            return None
        message = f"Query exceeded limit for bytes billed: {most}. {needed} or higher required."
        return 400, _error(400, "bytesBilledLimitExceeded", message)

    async def _bytes(self, scope: dict[str, Any], project: str, query: Message) -> int:
        total = 0
        for p, d, t in {m.groups() for m in MENTIONED.finditer(query.get("query", ""))}:
            total += ROW_BYTES * await self._count(scope, project, f"SELECT COUNT(*) AS n FROM `{p}`.`{d}`.`{t}`")
        return total

    async def _count(self, scope: dict[str, Any], project: str, sql: str) -> int:
        asked = {**scope, "path": f"/bigquery/v2/projects/{project}/queries", "raw_path": b"", "query_string": b""}
        body = json.dumps({"query": sql, "useLegacySql": False}).encode()
        status, _, data = await self._ask(asked, body)
        return int(json.loads(data)["rows"][0]["f"][0]["v"]) if status == 200 else 0

    async def _ask(self, scope: dict[str, Any], body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        start: Message = {}
        chunks: list[bytes] = []

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                chunks.append(message.get("body", b""))

        skipped = (b"content-length", b"accept-encoding", b"transfer-encoding")
        headers = [h for h in scope["headers"] if h[0].lower() not in skipped]
        headers.append((b"content-length", str(len(body)).encode()))
        await self.app({**scope, "headers": headers}, receive, hold)
        kept = [h for h in start["headers"] if h[0].lower() != b"content-length"]
        return start["status"], kept, b"".join(chunks)


def _query_of(body: bytes) -> Message:
    request: Message = json.loads(body)
    return request if "query" in request else request.get("configuration", {}).get("query") or {}


def _forget(found: re.Match[str]) -> None:
    project, dataset, table = found.groups()
    for name in [n for n in TABLES if n[:2] == (project, dataset) and table in (None, n[2])]:
        del TABLES[name]


def _error(status: int, reason: str, message: str) -> Message:
    one = {"message": message, "domain": "global", "reason": reason}
    return {"error": {"code": status, "message": message, "errors": [one], "status": reason}}


async def _answer(send: Send, status: int, content: Message) -> None:
    data = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


def main() -> None:
    duckdb_extensions.import_extension("spatial")  # from its wheel: nothing is downloaded
    permitted = upload._is_permitted_media_type
    upload._is_permitted_media_type = lambda kind: kind == "*/*" or permitted(kind)
    make = server.create_app
    server.create_app = lambda context: StandIn(make(context))
    from bqemulator.cli import main as run

    run()


if __name__ == "__main__":
    main()
