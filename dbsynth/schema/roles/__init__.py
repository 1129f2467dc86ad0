"""What a column means: from its name, its table's name, its type and the shape of its values."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import Kind
from dbsynth.errors import ConfigError
from dbsynth.schema.model import Column, Table
from dbsynth.schema.types import Structured

MOST_CATEGORIES = 5000
"""A text column with more values that may be kept is made, not learned."""
CATEGORY_SHARE = 0.6
"""A text column is categorical if values that k rows share make up at least this share of its rows."""

PERSON_TABLES = [
    "actor",
    "artist",
    "author",
    "contact",
    "customer",
    "client",
    "employee",
    "staff",
    "person",
    "people",
    "user",
    "member",
    "patient",
    "student",
    "teacher",
    "passenger",
    "driver",
    "doctor",
    "owner",
    "manager",
    "player",
    "singer",
    "lead",
    "subscriber",
    "guest",
    "visitor",
    "recipient",
    "kunde",
    "mitarbeiter",
    "personne",
    "utilisateur",
    "cliente",
    "empleado",
    "persona",
    "usuario",
    "autor",
    "funcionario",
    "dipendente",
    "utente",
    "salesperson",
    "buyer",
]
"""Tables whose ``name`` is a person's."""

NAME_PATTERNS: tuple[tuple[str, str], ...] = (
    ("email", r"e_?mail|correo|courriel"),
    ("phone", r"phone|mobile|\bfax\b|^fax|_fax$|telefon|telephone|telefono|telefone|handy|\btel\b|^tel_|cell(ular)?$"),
    ("first_name", r"first_?name|given_?name|fore_?name|middle_?name|vorname|prenom|primeiro_nome|^nombres?$|^fname$"),
    ("last_name", r"last_?name|sur_?name|family_?name|nachname|nom_de_famille|apellidos?|sobrenome|cognome|^lname$"),
    ("full_name", r"full_?name|contact_?name|person_?name|customer_?name|employee_?name|author_?name|display_?name"
                  r"|holder_?name|composer|ship_?name|owner_?name|reviewer_?name|^author$"),
    ("user_name", r"user_?name|login|nick_?name|screen_?name|benutzername|login_?id"),
    ("company", r"company|employer|firma|empresa|azienda|societe|organi[sz]ation_?name"),
    ("street", r"street|^address$|address_?(line)?_?[0-9]?$|adresse|direccion|indirizzo|endereco"
               r"|strasse|physical_?address"),
    ("postcode", r"post_?(al)?_?code|zip(_?code)?$|^plz$|codigo_?postal|^cap$|^cep$"),
    ("password", r"password|passwd|pwd|secret|passwort|^salt$|password_?salt|token|api_?key|hash"),
    ("card", r"credit_?card|card_?number|card_?no"),
    ("iban", r"iban|account_?number|bank_?account"),
    ("national_id", r"\bssn\b|social_?security|national_?id|passport|tax_?id|steuer|dni$|nif$|licen[cs]e_?number"),
    ("url", r"\burl\b|_url$|^url|website|web_?(page|site|address)|home_?page|link$"),
    ("ip", r"\bip\b|ip_?addr"),
    ("mac", r"\bmac\b|mac_?addr"),
    ("city", r"\bcity$|_city$|^town$|^ort$|^stadt$|ciudad|cidade|citta|^ville$"),
    ("state", r"\bstate$|province|^region$|_state$|bundesland|provincia|district|county"),
    ("country", r"\bcountry$|_country$|country_?name|^land$|^pays$|^pais$|paese"),
)  # fmt: skip
"""Role by column name; the first that matches. Direct identifiers come before parts of an address."""

VALUE_PATTERNS: tuple[tuple[str, str], ...] = (
    ("uuid", r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"),
    ("email", r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"),
    ("url", r"^https?://\S+$"),
    ("ip", r"^\d{1,3}(\.\d{1,3}){3}$"),
    ("mac", r"^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$"),
    ("html", r"<(p|div|a|br|b|i|ul|li|span|h\d)[ >/]"),
)
"""Role by what at least nine of ten values look like."""

PERSONAL = frozenset(
    [
        "email",
        "phone",
        "first_name",
        "last_name",
        "full_name",
        "user_name",
        "company",
        "street",
        "postcode",
        "password",
        "card",
        "iban",
        "national_id",
        "ip",
        "mac",
    ]
)
"""Roles that point at a person or an organisation: their values are never the source's."""
AREAS = frozenset(["postcode"])
"""Personal where they are those of few rows; what k rows share is a place."""
DIRECT = PERSONAL | {"uuid", "url"}
"""Roles whose values are always made."""
ROLES = frozenset(r for r, _ in NAME_PATTERNS + VALUE_PATTERNS) | {
    "number", "moment", "category", "code", "label", "text", "structured",
}  # fmt: skip


@dataclass(frozen=True)
class ColumnRole:
    """``kind``: how the column is coded (``dbsynth.codec.base.Kind``). ``confidence`` 0..1 of ``role``."""

    role: str
    personal: bool
    confidence: float
    evidence: str
    kind: Kind

    def with_role(self, role: str) -> ColumnRole:
        """The role that the user declared; ConfigError for one that does not exist."""
        if role not in ROLES:
            raise ConfigError(f"there is no role {role!r}", hint="roles: " + ", ".join(sorted(ROLES)))
        kind: Kind = self.kind
        if role in ("number", "moment", "category"):
            kind = role  # type: ignore[assignment]
        elif role != self.role:
            kind = "presence"
        return replace(self, role=role, personal=role in PERSONAL, confidence=1.0, evidence="declared", kind=kind)


def infer_roles(table: Table, sample: pa.Table, k: int = 5, rows: int | None = None) -> dict[str, ColumnRole]:
    """The role of every stored column of ``table``; ``sample`` holds some of its ``rows`` (None: all). A value that k
    rows share stands in fewer of the sample: in two at least, or nothing tells that it is shared."""
    if rows is not None and rows > sample.num_rows:
        k = min(k, max(2, math.ceil(k * sample.num_rows / rows)))
    return {c.name: _role(table, c, sample.column(c.name).combine_chunks(), k) for c in table.stored_columns}


def words(name: str) -> str:
    """``CustomerID`` -> ``customer_id``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def _role(table: Table, column: Column, values: pa.Array, k: int) -> ColumnRole:
    type_ = column.type
    if isinstance(type_, sqltypes.Boolean | sqltypes.Enum):
        return ColumnRole(
            "category", False, 1.0, "boolean" if isinstance(type_, sqltypes.Boolean) else "enum", "category"
        )
    if isinstance(type_, sqltypes.Integer | sqltypes.Numeric | sqltypes.Float):
        return ColumnRole("number", False, 1.0, f"type {column.declared}", "number")
    if isinstance(type_, sqltypes.Date | sqltypes.DateTime | sqltypes.Interval) or (
        isinstance(type_, sqltypes.Time) and not type_.timezone
    ):
        return ColumnRole("moment", False, 1.0, f"type {column.declared}", "moment")
    if isinstance(type_, sqltypes.Uuid):
        return ColumnRole("uuid", False, 1.0, "type uuid", "presence")
    if isinstance(type_, Structured | sqltypes.ARRAY | sqltypes.JSON | sqltypes.LargeBinary):
        share, kept = _categories(values, k)
        kind: Kind = "category" if share >= 0.99 and 0 < kept <= 50 else "presence"
        return ColumnRole("structured", False, 1.0, f"type {column.declared}", kind)
    return _text_role(table, column, values, k)


def _text_role(table: Table, column: Column, values: pa.Array, k: int) -> ColumnRole:
    known = values.drop_null()
    filled = known.filter(pc.not_equal(known, ""))  # empty texts tell nothing of the others
    if len(known) and not len(filled):
        return ColumnRole("category", False, 1.0, "empty texts only", "category")
    share, kept = _categories(filled, k)
    limited = share >= CATEGORY_SHARE and 0 < kept <= MOST_CATEGORIES
    found = _by_values(filled) or _by_name(table, column, filled)
    if found is not None and found[0] in DIRECT and not (limited and found[0] in AREAS):
        role, why = found
        return ColumnRole(role, role in PERSONAL, 0.9, why, "presence")
    if limited:
        role, why = found if found is not None else ("category", "")
        why = (why + "; " if why else "") + f"{kept} values that >= {k} of the rows seen share make up {share:.0%}"
        return ColumnRole(role, False, 0.9, why, "category")
    if found is not None:
        return ColumnRole(found[0], False, 0.7, found[1], "presence")
    return _shape(filled)


def _categories(values: pa.Array, k: int) -> tuple[float, int]:
    """Share of the rows whose value occurs in at least k of them, and the number of such values."""
    known = values.drop_null()
    if len(known) == 0:
        return 0.0, 0
    counts = pc.value_counts(known).field("counts")
    common = counts.filter(pc.greater_equal(counts, k))
    return (pc.sum(common).as_py() or 0) / len(known), len(common)


def _by_values(values: pa.Array) -> tuple[str, str] | None:
    known = values.drop_null().slice(0, 500)
    if len(known) < 3:
        return None
    for role, pattern in VALUE_PATTERNS:
        share = pc.mean(pc.match_substring_regex(known, pattern).cast(pa.float64())).as_py()
        if share >= 0.9 or (role == "html" and share >= 0.3):
            return role, f"{share:.0%} of the values look like it"
    return None


def _by_name(table: Table, column: Column, values: pa.Array) -> tuple[str, str] | None:
    name = words(column.name)
    if _mostly_numbers(values) and not re.search(r"phone|fax|tel|post|zip|card|iban|account|ssn", name):
        return None
    for role, pattern in NAME_PATTERNS:
        if re.search(pattern, name):
            return role, f"column name {column.name}"
    if name in ("name", "nom", "nome", "nombre") or name.endswith("_name"):
        own = words(table.name.name)
        if any(re.search(rf"(^|_){p}s?($|_)", own) or own == p + "s" or own.endswith(p) for p in PERSON_TABLES) and (
            name in ("name", "nom", "nome", "nombre") or any(p in name for p in PERSON_TABLES)
        ):
            return "full_name", f"{column.name} of {table.name.name}"
    return None


def _mostly_numbers(values: pa.Array) -> bool:
    known = values.drop_null().slice(0, 200)
    if len(known) == 0:
        return False
    return bool(pc.mean(pc.match_substring_regex(known, r"^[-+]?\d+(\.\d+)?$").cast(pa.float64())).as_py() >= 0.9)


def _shape(values: pa.Array) -> ColumnRole:
    known = values.drop_null().slice(0, 2000)
    if len(known) == 0:
        return ColumnRole("label", False, 0.3, "no values", "presence")
    length = pc.mean(pc.utf8_length(known)).as_py()
    blanks = pc.mean(pc.count_substring_regex(known, r"\s")).as_py()
    digits = pc.mean(pc.count_substring_regex(known, r"\d")).as_py()
    if blanks >= 5 or length > 80:
        return ColumnRole("text", False, 0.8, f"{blanks + 1:.0f} words a value", "presence")
    if blanks < 0.3 and (digits > 0.2 * length or length <= 8):
        return ColumnRole("code", False, 0.7, f"{length:.0f} characters, {digits:.0f} digits", "presence")
    return ColumnRole("label", False, 0.6, f"{blanks + 1:.0f} words a value", "presence")
