"""Clients: how a URL becomes one, and the API's errors those of dbsynth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import google.auth
from google.api_core import exceptions as api
from google.api_core.client_options import ClientOptions
from google.auth import exceptions as auth
from google.auth import impersonated_credentials
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.oauth2 import service_account
from sqlalchemy.engine import URL

from dbsynth.errors import CannotClone, ConnectionFailed, DbsynthError, PermissionDenied, UsageError

FIRST_ANSWER = 30.0
"""Seconds to wait for the first answer: later ones are tried for by the client for ten minutes."""
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
LABELS = {"application": "dbsynth"}
"""On every job and dataset: tells a DBA who asked."""


def option(url: URL, name: str) -> str | None:
    value = url.query.get(name)
    return value if isinstance(value, str) or value is None else value[-1]


def client_of(url: URL) -> bigquery.Client:
    if not url.host:
        raise UsageError("the URL names no project", hint="bigquery://project/dataset")
    endpoint = option(url, "api_endpoint")
    with raised("connecting to BigQuery"):
        return bigquery.Client(
            project=url.host,
            credentials=_credentials(url),
            location=option(url, "location"),
            client_options=ClientOptions(api_endpoint=endpoint) if endpoint else None,
            default_query_job_config=bigquery.QueryJobConfig(labels=LABELS),
        )


def _credentials(url: URL) -> Any:
    if option(url, "credentials") == "anonymous":  # an emulator
        return AnonymousCredentials()
    path, role = option(url, "credentials_path"), option(url, "impersonate")
    try:
        if path:
            found = service_account.Credentials.from_service_account_file(path, scopes=SCOPES)
        else:
            found, _ = google.auth.default(scopes=SCOPES)
    except (OSError, ValueError) as error:
        raise ConnectionFailed(
            f"the service account file {path} cannot be read", hint="check credentials_path in the URL"
        ) from error
    if role:
        return impersonated_credentials.Credentials(found, target_principal=role, target_scopes=SCOPES)
    return found


def storage_client(url: URL) -> Any:
    """A client of the Storage Read API; None where the URL turns it off or the package is missing."""
    if option(url, "storage_api") == "off":
        return None
    try:
        from google.cloud import bigquery_storage
    except ImportError:
        return None
    endpoint = option(url, "storage_endpoint")
    if endpoint:  # an emulator: no TLS
        import grpc
        from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

        transport = BigQueryReadGrpcTransport(channel=grpc.insecure_channel(endpoint))
        return bigquery_storage.BigQueryReadClient(transport=transport)
    return bigquery_storage.BigQueryReadClient(credentials=_credentials(url))


@contextmanager
def raised(about: str) -> Iterator[None]:
    try:
        yield
    except (api.GoogleAPIError, auth.GoogleAuthError, OSError) as error:
        if isinstance(error, OSError) and not _of_network(error):
            raise
        raise _error(error, about) from error


def _of_network(error: Exception) -> bool:
    return isinstance(error, ConnectionError) or type(error).__module__.partition(".")[0] in ("requests", "urllib3")


def _error(error: Exception, about: str) -> DbsynthError:
    text = " ".join(str(getattr(error, "message", error)).split())[:300]
    match error:
        case auth.RefreshError() | auth.InvalidOperation() | api.Unauthorized():
            return ConnectionFailed(
                f"{about}: the credentials are not accepted or have expired",
                hint="gcloud auth application-default login, or a new service account file",
            )
        case auth.TransportError():
            return ConnectionFailed(f"{about}: {text}", hint="is Google reachable?", transient=True)
        case auth.GoogleAuthError():
            return ConnectionFailed(
                f"{about}: no credentials were found",
                hint="gcloud auth application-default login, or ?credentials_path=service-account.json",
            )
        case api.GoogleAPICallError() if "bytes billed" in text.lower():  # comes as 500, sometimes as 400
            return CannotClone(f"{about}: {text}", hint="raise --max-bytes, or select fewer tables")
        case api.BadRequest() if "partition elimination" in text.lower():
            return CannotClone(
                f"{about}: {text}",
                hint="leave the table out (--exclude), or alter it: SET OPTIONS (require_partition_filter = false)",
            )
        case api.Forbidden() if _reason(error) == "rateLimitExceeded":
            return ConnectionFailed(f"{about}: {text}", hint="run it again later", transient=True)
        case api.Forbidden() if _reason(error) == "quotaExceeded":
            return ConnectionFailed(f"{about}: {text}", hint="wait until the quota is filled again, or have it raised")
        case api.Forbidden():
            return PermissionDenied(
                f"{about}: {text}", hint="ask for roles/bigquery.dataViewer on the dataset and roles/bigquery.jobUser"
            )
        case api.NotFound() if "location" in text.lower():
            return ConnectionFailed(f"{about}: {text}", hint="name the dataset's region in the URL: ?location=EU")
        case api.NotFound():
            return PermissionDenied(f"{about}: {text}", hint="check project, dataset and table")
        case api.RetryError():  # the client has tried for as long as it does
            return ConnectionFailed(f"{about}: {text}", hint="is BigQuery reachable?")
        case api.TooManyRequests() | api.ServerError() | OSError():
            return ConnectionFailed(f"{about}: {text}", hint="is BigQuery reachable?", transient=True)
        case _:
            return CannotClone(f"{about}: {text}")


def _reason(error: api.GoogleAPICallError) -> str:
    """https://cloud.google.com/bigquery/docs/error-messages"""
    return next((str(e["reason"]) for e in error.errors if isinstance(e, dict) and e.get("reason")), "")
