"""pandas DataFrames ↔ Arrow tables. pandas is imported when it is needed: it is optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.codec import interval
from dbsynth.codec.units import DAY
from dbsynth.errors import UnsupportedSource, UsageError
from dbsynth.schema.arrays import values_of
from dbsynth.schema.model import Column, Table

if TYPE_CHECKING:
    import pandas as pd


def load() -> Any:
    """The pandas module; UsageError where it is not installed."""
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise UsageError(
            "DataFrames need pandas", hint="pip install 'dbsynth[pandas]', or take Arrow: sample_batches()"
        ) from error
    return pandas


def is_frame(value: object) -> bool:
    return type(value).__module__.split(".")[0] == "pandas" and type(value).__name__ == "DataFrame"


def from_pandas(name: str, frame: pd.DataFrame) -> tuple[pa.Table, dict[str, str]]:
    """The rows without the index, and the dtype of each column. UnsupportedSource names a column that Arrow does not
    take."""
    columns = list(frame.columns)
    odd = [c for c in columns if not isinstance(c, str)]
    if odd or len(set(columns)) < len(columns):
        raise UsageError(
            f"{name}: the names of its columns are not different texts", hint="frame.columns = [...]: name them"
        )
    arrays = []
    for column in columns:
        try:
            array = pa.Array.from_pandas(frame[column])
            if isinstance(array.type, pa.BaseExtensionType):
                raise TypeError(f"dtype {frame[column].dtype}")  # periods, intervals: pandas' own
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise UnsupportedSource(
                f"{name}.{column}: its values are of several kinds, or of one that Arrow does not know",
                hint="convert the column to one type, e.g. astype(str), or leave it out",
            ) from error
        arrays.append(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)
    return pa.table(arrays, names=columns), {c: str(frame[c].dtype) for c in columns}


def to_pandas(rows: pa.Table, table: Table, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """``dtypes``: those of the frame that was learned from; columns of a database get pandas' own, whole numbers and
    booleans that can be null the nullable ones."""
    pandas = load()
    out = {c.name: _series(pandas, rows.column(c.name), c, dtypes.get(c.name)) for c in table.stored_columns}
    return pandas.DataFrame(out)


def _series(pandas: Any, values: pa.ChunkedArray, column: Column, dtype: str | None) -> Any:
    if dtype is None:
        if pt.is_date32(values.type):
            days = values.combine_chunks().cast(pa.int32())
            raw = days.fill_null(0).to_numpy(zero_copy_only=False).astype("datetime64[D]").astype("datetime64[s]")
            raw[np.asarray(days.is_null())] = np.datetime64("NaT")
            return pandas.Series(raw)
        if pt.is_time64(values.type):
            return _clock(values).to_pandas()
        if column.nullable and (pt.is_integer(values.type) or pt.is_boolean(values.type)):
            nullable = "boolean" if pt.is_boolean(values.type) else "Int64"
            return values.to_pandas(types_mapper=lambda _: pandas.api.types.pandas_dtype(nullable))
        return values.to_pandas()
    return _as_before(pandas, values, column, dtype)


def _clock(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Python knows no 24:00: the last moment of the day stands for it."""
    last = pa.scalar(DAY - 1, pa.int64())
    return pc.min_element_wise(values.cast(pa.int64()), last, skip_nulls=False).cast(values.type)


def _as_before(pandas: Any, values: pa.ChunkedArray, column: Column, dtype: str) -> Any:
    type_ = column.type
    if dtype.startswith("timedelta"):
        micros, null = interval.microseconds(values.combine_chunks())
        raw = micros.astype("timedelta64[us]")
        raw[null] = np.timedelta64("NaT")
        return pandas.Series(raw).astype(dtype)
    if dtype.startswith("datetime64"):
        return values.to_pandas().astype(dtype)
    if dtype == "object":
        return pandas.Series(_objects(values, type_), dtype=object)
    if dtype == "category":
        return values.to_pandas().astype("category")
    if dtype.startswith(("Int", "UInt", "boolean")):
        target = pandas.api.types.pandas_dtype(dtype)
        own = values.cast(pa.int64()) if pt.is_decimal(values.type) else values
        return own.to_pandas(types_mapper=lambda _: pandas.Int64Dtype() if pt.is_integer(own.type) else None).astype(
            target
        )
    if pt.is_decimal(values.type) and dtype.startswith("uint"):
        return pandas.Series([int(v) for v in values.to_pylist()]).astype(dtype)
    return values.to_pandas().astype(dtype)


def _objects(values: pa.ChunkedArray, type_: Any) -> list[Any]:
    """Python's own values: what an object column held."""
    import json

    rows = values.to_pylist()
    match type_:
        case sqltypes.LargeBinary():
            return [None if v is None else bytes.fromhex(v[2:]) for v in rows]
        case sqltypes.ARRAY():
            return [None if v is None else values_of(v, type_.item_type) for v in rows]
        case sqltypes.JSON():
            return [None if v is None else json.loads(v) for v in rows]
        case _:
            return list(rows)
