"""The Jinja of profiles.yml and dbt_project.yml, in a sandbox that knows ``env_var`` and nothing else.

https://docs.getdbt.com/reference/dbt-jinja-functions/env_var, as_number, as_bool, as_native, as_text. A value is
rendered once: braces in an environment variable stay what they are.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from typing import Any

from dbsynth.errors import ConfigError, UsageError

try:
    import jinja2
    import yaml
    from jinja2 import nodes
    from jinja2.exceptions import SecurityError, TemplateError, UndefinedError
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ModuleNotFoundError as missing:
    raise UsageError(
        f"reading dbt's files needs the package {missing.name}", hint="pip install 'dbsynth[dbt]'"
    ) from missing

_MISSING = object()


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**"})
    """'a' * 10**12 fills the memory."""

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"the operator {operator} is not for configurations")


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _bool(text: str) -> bool:
    if text.strip().lower() not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text.strip().lower() == "true"


def _native(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


KINDS: dict[str, Callable[[str], Any]] = {"as_number": _number, "as_bool": _bool, "as_native": _native, "as_text": str}


def _env_var(name: str, default: Any = _MISSING) -> str:
    found = os.environ.get(name)
    if found is not None:
        return found
    if default is _MISSING:
        raise LookupError(name)
    return str(default)


def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=jinja2.StrictUndefined)
    environment.globals = {"env_var": _env_var}
    environment.filters |= dict.fromkeys(KINDS, str)  # what they make of a text is done to the rendered whole
    return environment


_ENVIRONMENT = _environment()


def rendered(value: Any, where: str) -> Any:
    """``value`` with every text in it rendered, also in lists and dicts. ConfigError, which names ``where`` and never a
    value: it may be a password."""
    if isinstance(value, dict):
        return {key: rendered(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [rendered(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, str) or "{" not in value:
        return value
    try:
        text = _ENVIRONMENT.from_string(value).render()
        return _kind(value)(text)
    except LookupError as error:
        raise ConfigError(
            f"{where}: the environment variable {error.args[0]} is not set",
            hint=f"export {error.args[0]}=..., or give a default: {{{{ env_var('{error.args[0]}', '...') }}}}",
        ) from None
    except SecurityError:
        raise ConfigError(f"{where}: the expression is not safe to evaluate", hint="env_var and filters only") from None
    except UndefinedError as error:
        raise ConfigError(f"{where}: {error.message}", hint="env_var is all that is known here") from None
    except (TemplateError, TypeError, ArithmeticError, RecursionError):
        raise ConfigError(f"{where}: the Jinja expression is wrong", hint="{{ env_var('NAME', 'default') }}") from None
    except ValueError:
        name = _last_filter(value)
        raise ConfigError(
            f"{where}: the value cannot be read {name}", hint=f"check what it is, or drop | {name}"
        ) from None


def _kind(template: str) -> Callable[[str], Any]:
    return KINDS.get(_last_filter(template), str)


def _last_filter(template: str) -> str:
    """The name of the outermost filter, where the template is one expression and nothing else."""
    match _ENVIRONMENT.parse(template).body:
        case [nodes.Output(nodes=[nodes.Filter(name=name)])]:
            return str(name)
    return ""


def read_yaml(path: Any) -> dict[str, Any]:
    """The mapping in ``path``. ConfigError where it cannot be read or is no mapping."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else "it is not UTF-8"
        raise ConfigError(f"{path} cannot be read: {reason}") from cause
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path} is no YAML{place}", hint='a value with braces needs quotes: "{{ ... }}"') from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(
            f"{path} holds no mapping", hint="see https://docs.getdbt.com/docs/core/connect-data-platform/profiles.yml"
        )
    return found
