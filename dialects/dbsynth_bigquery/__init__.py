"""BigQuery for dbsynth."""

from dbsynth_bigquery.dialect import BigqueryDialect

__all__ = ["BigqueryDialect"]
