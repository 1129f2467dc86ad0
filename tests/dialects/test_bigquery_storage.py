"""Rows by the Storage Read API: the vendor's client over gRPC, against a server that streams what it was given."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pyarrow as pa
import pytest
from google.cloud.bigquery_storage_v1 import types

from dbsynth.dialect import ReadRequest, connect
from dbsynth.schema.model import TableName

SERVICE = "google.cloud.bigquery.storage.v1.BigQueryRead"


class Reader:
    """https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#bigqueryread"""

    def __init__(self, rows: pa.Table, denied: bool) -> None:
        self.rows, self.denied, self.sessions = rows, denied, 0
        self._schema = types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes())

    def create_read_session(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.sessions += 1
        if self.denied:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "bigquery.readsessions.create denied")
        stream = types.ReadStream(name="projects/proj/locations/eu/sessions/s/streams/0")
        return types.ReadSession(
            name="projects/proj/locations/eu/sessions/s",
            arrow_schema=self._schema,
            streams=[stream],
            data_format="ARROW",
        )

    def read_rows(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for batch in self.rows.to_batches(max_chunksize=2)[request.offset :]:
            content = types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes())
            yield types.ReadRowsResponse(
                arrow_record_batch=content, arrow_schema=self._schema, row_count=batch.num_rows
            )


@pytest.fixture
def serve() -> Iterator[Any]:
    server = grpc.server(futures.ThreadPoolExecutor(4))

    def start(reader: Reader) -> str:
        methods = {
            "CreateReadSession": grpc.unary_unary_rpc_method_handler(
                reader.create_read_session,
                types.CreateReadSessionRequest.deserialize,
                types.ReadSession.serialize,
            ),
            "ReadRows": grpc.unary_stream_rpc_method_handler(
                reader.read_rows, types.ReadRowsRequest.deserialize, types.ReadRowsResponse.serialize
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return f"127.0.0.1:{port}"

    yield start
    server.stop(None)


@pytest.mark.filterwarnings("ignore:Retrieving Arrow:PendingDeprecationWarning")  # within the vendor's client
@pytest.mark.parametrize("denied", [False, True])
def test_rows_by_storage_api(bigquery_url: str, serve: Any, denied: bool, caplog: pytest.LogCaptureFixture) -> None:
    streamed = pa.table({"c0": pa.array([1, 2, 3], pa.int64()), "c1": ["by grpc"] * 3})
    reader = Reader(streamed, denied)
    url = bigquery_url.replace("storage_api=off", f"storage_endpoint={serve(reader)}")
    database: Any = connect(url)
    database.client.create_dataset("stored", exists_ok=True)
    database.query("CREATE OR REPLACE TABLE `proj`.`stored`.`t` (id INT64, how STRING)")
    database.query("INSERT INTO `proj`.`stored`.`t` (id, how) VALUES (1, 'by rest'), (2, 'by rest'), (3, 'by rest')")
    database.introspect(["stored"])
    for _ in range(2):
        found = database.read(ReadRequest(TableName("stored", "t"), ("id", "how")))
        rows = pa.Table.from_batches(list(found)).to_pydict()
        assert rows == {"id": [1, 2, 3], "how": ["by rest" if denied else "by grpc"] * 3}
    database.close()
    assert reader.sessions == (1 if denied else 2), "a refusal is remembered"
    assert ("rows come by REST" in caplog.text) == denied
