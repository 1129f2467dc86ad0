"""The options of a job: data that is checked here once more, with the rules that the control schema has checked it by
(``dbsynth.option_rule``), and turned into what the pipeline is asked for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from dbsynth.errors import UsageError
from dbsynth.limits import MAX_ROWS, MAX_SCALE, MAX_SEED, MAX_TRAIN_MINUTES, MIN_SAMPLE_ROWS

MAX_SAMPLE_ROWS = 10**12


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 7.0 is whole."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Rows = dict[Name, Annotated[Whole, Field(ge=0, le=MAX_ROWS)]]
Scale = Annotated[float, Field(gt=0, le=MAX_SCALE)]
Seed = Annotated[Whole, Field(ge=0, le=MAX_SEED)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GenerateJob(_Options):
    scale: Scale | None = None
    rows: Rows = Field(default_factory=dict)
    seed: Seed | None = None
    replace: bool = False


class CloneJob(_Options):
    scale: Scale | None = None
    rows: Rows = Field(default_factory=dict)
    seed: Seed | None = None
    sample_seed: Seed | None = None
    sample_rows: Annotated[Whole, Field(ge=MIN_SAMPLE_ROWS, le=MAX_SAMPLE_ROWS)] | None = None
    effort: Literal["quick", "standard", "thorough"] | None = None
    train_minutes: Annotated[float, Field(gt=0, le=MAX_TRAIN_MINUTES)] | None = None
    strategy: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}\z")] | None = None
    tables: list[Name] = Field(default_factory=list)
    exclude: list[Name] = Field(default_factory=list)
    keep: list[Name] = Field(default_factory=list)
    replace: bool = False

    @model_validator(mode="after")
    def agree(self) -> CloneJob:
        if self.effort is not None and self.train_minutes is not None:
            raise ValueError("effort is work and train_minutes is time: only one of them can decide")
        if "none" in self.keep and len(self.keep) > 1:
            raise ValueError('keep "none" goes with no other table')
        return self


KINDS: dict[str, type[_Options]] = {"clone": CloneJob, "generate": GenerateJob}
NAMES = frozenset(name for model in KINDS.values() for name in model.model_fields)


def as_asked(text: str) -> str:
    """A message of the pipeline, which names options as the command line has them, for who asked in SQL."""

    def option(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_")
        return f"option {name}" if name in NAMES else found[0]

    return re.sub(r"(?<![\w-])--([a-z][a-z-]*[a-z])", option, text)


def read_options(kind: str, options: Mapping[str, Any]) -> _Options:
    """Raises UsageError, which names the key that is wrong and does not repeat its value."""
    model = KINDS[kind]
    try:
        given = {key: value for key, value in options.items() if value is not None or key not in model.model_fields}
        return model.model_validate(given)
    except ValidationError as invalid:
        error = invalid.errors(include_input=False, include_url=False, include_context=False)[0]
        key = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, model.model_fields, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(model.model_fields))}"
            raise UsageError(f"there is no option {key!r}", hint=hint) from None
        raise UsageError(f"option {key}: {error['msg']}" if key else error["msg"]) from None
