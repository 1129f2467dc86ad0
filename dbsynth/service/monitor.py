"""What a worker tells machines: ``/healthz`` (the loop turns), ``/readyz`` (it can take jobs), ``/metrics``."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dbsynth import __version__
from dbsynth.errors import UsageError

STALE = 30.0
"""Seconds without a turn of the loop after which a worker is not well. Clearing away may wait for locks that long."""


class Monitor:
    """Counters, and whether the worker is well. Written by the loop, read by the threads that answer."""

    def __init__(self, worker: str) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        Gauge("dbsynth_worker_info", "The worker", ["worker", "version"], registry=registry).labels(
            worker, __version__
        ).set(1)
        self.jobs = Counter("dbsynth_jobs", "Attempts at jobs that ended", ["kind", "outcome"], registry=registry)
        self.seconds = Histogram(
            "dbsynth_job_seconds",
            "How long attempts took",
            ["kind"],
            buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400),
            registry=registry,
        )
        self.rows = Counter("dbsynth_rows", "Rows that were published", registry=registry)
        self.taken_over = Counter("dbsynth_takeovers", "Jobs taken over from a lost worker", registry=registry)
        self.reconnects = Counter("dbsynth_connections_lost", "Connections lost", registry=registry)
        self.queue = Gauge("dbsynth_queue_jobs", "Jobs in the queue", ["state"], registry=registry)
        self.busy = Gauge("dbsynth_worker_busy", "1 while this worker has a job", registry=registry)
        self.ready = False
        self._turned = time.monotonic()

    def turn(self, *, ready: bool, busy: bool) -> None:
        self._turned, self.ready = time.monotonic(), ready
        self.busy.set(busy)

    @property
    def well(self) -> bool:
        return time.monotonic() - self._turned < STALE


class Answers:
    """An HTTP server in threads of its own. ``port`` 0: a free one. UsageError where it cannot listen there."""

    def __init__(self, monitor: Monitor, host: str, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                match self.path.partition("?")[0]:
                    case "/healthz":
                        self._answer(200 if monitor.well else 503, b"ok\n" if monitor.well else b"the loop stands\n")
                    case "/readyz":
                        self._answer(200 if monitor.ready else 503, b"ok\n" if monitor.ready else b"not ready\n")
                    case "/metrics":
                        self._answer(200, generate_latest(monitor.registry), CONTENT_TYPE_LATEST)
                    case _:
                        self._answer(404, b"/healthz, /readyz, /metrics\n")

            def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Probes come every few seconds: not a line each."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise UsageError(
                f"cannot listen on port {port} of {host}: {error.strerror}",
                hint="name another with --port (0: a free one) or --host",
            ) from error
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
