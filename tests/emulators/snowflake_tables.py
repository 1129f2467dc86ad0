"""CREATE TABLE of the stand-in Snowflake: the declaration as written, and the DuckDB table that holds the rows."""

from __future__ import annotations

from snowflake_registry import Column, Constraint, Place, Registry, SnowflakeError, Table, quote
from sqlglot import exp

LONGEST_TEXT = 16_777_216  # VARCHAR without a length: https://docs.snowflake.com/en/sql-reference/data-types-text
LONGEST_BINARY = 8_388_608
INTEGERS = {"INT", "BIGINT", "SMALLINT", "TINYINT", "INT128", "INT256", "MEDIUMINT", "UINT", "UBIGINT"}
KINDS = {
    "FLOAT": "FLOAT",
    "DOUBLE": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "VARIANT": "VARIANT",
    "OBJECT": "OBJECT",
    "STRUCT": "OBJECT",
    "MAP": "MAP",
    "ARRAY": "ARRAY",
    "LIST": "ARRAY",
    "GEOGRAPHY": "GEOGRAPHY",
    "GEOMETRY": "GEOMETRY",
    "VECTOR": "VECTOR",
    "DECFLOAT": "DECFLOAT",
}
REFERENCE_ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT")
TIMES = {
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP_NTZ",  # TIMESTAMP_TYPE_MAPPING is TIMESTAMP_NTZ by default
    "DATETIME": "TIMESTAMP_NTZ",
    "TIMESTAMPNTZ": "TIMESTAMP_NTZ",
    "TIMESTAMPLTZ": "TIMESTAMP_LTZ",
    "TIMESTAMPTZ": "TIMESTAMP_TZ",
}


def identifier(node: exp.Expression) -> str:
    """The stored name of the first identifier at or below a node."""
    found = node if isinstance(node, exp.Identifier) else node.find(exp.Identifier)
    if found is None:
        raise SnowflakeError(1003, "42000", f"SQL compilation error:\nsyntax error at '{node.sql('snowflake')}'.")
    return str(found.this) if found.args.get("quoted") else str(found.this).upper()


def parts(table: exp.Table) -> tuple[str, ...]:
    """The stored parts of a table name."""
    return tuple(identifier(part) for part in table.parts)


def folded(node: exp.Expression) -> exp.Expression:
    """The node with every identifier in its stored form and quoted, fit for DuckDB."""
    copy = node.copy()
    for name in list(copy.find_all(exp.Identifier)):
        name.replace(exp.to_identifier(identifier(name), quoted=True))
    return copy


def column_type(name: str, kind: exp.DataType) -> Column:
    """A column of the declared type, described as INFORMATION_SCHEMA.COLUMNS does."""
    written = kind.this.value if isinstance(kind.this, exp.DType) else str(kind.this)
    sizes = [int(part.name) for part in kind.expressions if part.name.isdigit()]
    if written == "DECIMAL":
        return Column(name, "NUMBER", precision=sizes[0] if sizes else 38, scale=sizes[1] if len(sizes) > 1 else 0)
    if written in INTEGERS:
        return Column(name, "NUMBER", precision=38, scale=0)
    if written in TIMES:
        return Column(name, TIMES[written], scale=sizes[0] if sizes else 9)
    if written in ("CHAR", "NCHAR"):
        return Column(name, "TEXT", length=sizes[0] if sizes else 1)
    if written in ("VARCHAR", "TEXT", "NVARCHAR", "NAME"):
        return Column(name, "TEXT", length=sizes[0] if sizes else LONGEST_TEXT)
    if written in ("BINARY", "VARBINARY"):
        return Column(name, "BINARY", length=sizes[0] if sizes else LONGEST_BINARY)
    if written in KINDS:
        return Column(name, KINDS[written])
    raise SnowflakeError(2040, "02000", f"SQL compilation error:\nUnsupported data type '{kind.sql('snowflake')}'.")


class Declaration:
    """Reads the column definitions and constraints of one statement into a table."""

    def __init__(self, table: Table, registry: Registry, place: Place) -> None:
        self.table, self.registry, self.place = table, registry, place

    def read(self, schema: exp.Schema) -> None:
        """Columns first: a constraint may stand before the columns that it names."""
        for element in schema.expressions:
            if isinstance(element, exp.ColumnDef):
                self.column(element)
        for element in schema.expressions:
            if not isinstance(element, exp.ColumnDef):
                self.constraint(element)

    def column(self, definition: exp.ColumnDef) -> Column:
        column = column_type(identifier(definition.this), definition.args["kind"])
        if column.name in self.table.columns:
            message = f"SQL compilation error:\nduplicate column name '{column.name}'"
            raise SnowflakeError(2025, "42000", message)
        self.table.columns[column.name] = column
        name = ""
        for part in definition.constraints:
            # `CONSTRAINT n FOREIGN KEY REFERENCES t` arrives as two parts, the name with the first only.
            name = identifier(part.this) if part.this else name
            self._column_part(column, part.kind, name)
            if not isinstance(part.kind, exp.ForeignKey):
                name = ""
        return column

    def _column_part(self, column: Column, part: exp.Expression, name: str) -> None:
        match part:
            case exp.NotNullColumnConstraint():
                column.nullable = bool(part.args.get("allow_null"))
            case exp.DefaultColumnConstraint():
                column.default, column.physical_default = self._default(part.this)
            case exp.GeneratedAsIdentityColumnConstraint() | exp.AutoIncrementColumnConstraint():
                start, step = part.args.get("start"), part.args.get("increment")
                column.identity = (int(start.name) if start else 1, int(step.name) if step else 1)
                column.sequence = self.registry.physical_name("Q")
            case exp.CollateColumnConstraint():
                column.collation = part.this.name
            case exp.CommentColumnConstraint():
                column.comment = part.this.name
            case exp.MaskingPolicyColumnConstraint():
                column.masking_policy = identifier(part.this)
            case exp.PrimaryKeyColumnConstraint():
                self.add(Constraint("PRIMARY KEY", [column.name], name))
            case exp.UniqueColumnConstraint():
                self.add(Constraint("UNIQUE", [column.name], name))
            case exp.Reference():
                self.add(self._reference(part, [column.name], name))
            case exp.CheckColumnConstraint():
                self.add(self._check(part, name))

    def _default(self, value: exp.Expression) -> tuple[str, str]:
        text = value.sql("snowflake")
        if text.upper().endswith(".NEXTVAL"):
            names = tuple(identifier(part) for part in value.parts[:-1])
            schema = self.registry.container(names, self.place)
            return text, f"nextval('{schema.sequences[names[-1]]}')"
        return text, folded(value).sql("duckdb")

    def constraint(self, element: exp.Expression) -> None:
        """An out-of-line constraint, named or not."""
        name = ""
        inner = [element]
        if isinstance(element, exp.Constraint):
            name, inner = identifier(element.this), element.expressions
        for part in inner:
            match part:
                case exp.PrimaryKey():
                    self.add(Constraint("PRIMARY KEY", [identifier(key) for key in part.expressions], name))
                case exp.UniqueColumnConstraint():
                    self.add(Constraint("UNIQUE", [identifier(key) for key in part.this.expressions], name))
                case exp.ForeignKey():
                    columns = [identifier(key) for key in part.expressions]
                    self.add(self._reference(part.args["reference"], columns, name, part))
                case exp.CheckColumnConstraint():
                    self.add(self._check(part, name))

    def _check(self, part: exp.CheckColumnConstraint, name: str) -> Constraint:
        return Constraint(
            "CHECK", [], name, clause=part.this.sql("snowflake"), physical_clause=folded(part.this).sql("duckdb")
        )

    def _reference(
        self, reference: exp.Reference, columns: list[str], name: str, key: exp.ForeignKey | None = None
    ) -> Constraint:
        named = reference.find(exp.Table)
        path = parts(named)
        schema = self.registry.container(path, self.place)
        # A self-reference names a table that is not registered yet.
        itself = schema is self.table.schema and path[-1] == self.table.name
        target = self.table if itself else self.registry.table(path, self.place)
        listed = [identifier(column) for column in getattr(reference.this, "expressions", [])]
        if not listed and (primary := target.primary_key()):
            listed = primary.columns
        for column in listed:
            target.column(column)
        rules = " ".join(str(option) for option in reference.args.get("options") or []).upper()
        rule = {}
        for event in ("delete", "update"):
            given = str(key.args.get(event) or "").upper() if key else ""
            written = (action for action in REFERENCE_ACTIONS if f"ON {event.upper()} {action}" in rules)
            rule[event] = given or next(written, "NO ACTION")
        return Constraint(
            "FOREIGN KEY", columns, name, target, listed, delete_rule=rule["delete"], update_rule=rule["update"]
        )

    def add(self, constraint: Constraint) -> None:
        for name in constraint.columns:
            column = self.table.column(name)
            if constraint.kind == "PRIMARY KEY":
                column.nullable = False
        if constraint.kind == "PRIMARY KEY" and self.table.primary_key():
            raise SnowflakeError(2200, "42601", "SQL compilation error:\nprimary key already exists for table")
        if any(other.name == constraint.name for other in self.table.constraints):
            message = f"SQL compilation error:\nObject '{constraint.name}' already exists."
            raise SnowflakeError(2002, "42710", message)
        self.table.constraints.append(constraint)


def read_properties(table: Table, create: exp.Create) -> None:
    """COMMENT = '...' and CLUSTER BY (...) of a CREATE TABLE or VIEW."""
    properties = create.args.get("properties")
    for part in properties.expressions if properties else []:
        if isinstance(part, exp.SchemaCommentProperty):
            table.comment = part.this.name
        elif isinstance(part, exp.ClusterProperty):
            table.clustering = f"LINEAR({', '.join(key.sql('snowflake') for key in part.expressions)})"
        elif isinstance(part, exp.TransientProperty):
            table.transient = True


def physical_ddl(table: Table) -> list[str]:
    """The DuckDB statements that make the table: NOT NULL, CHECK and text lengths are enforced, keys are not."""
    sequences, columns = [], []
    for column in table.columns.values():
        line = f"{quote(column.name)} {column.physical}"
        if column.collation and "-ci" in column.collation:
            line += " COLLATE NOCASE"
        if column.identity and column.sequence:
            start, step = column.identity
            # The sequence may stand already: ALTER TABLE makes the DuckDB table anew and numbers go on.
            sequences.append(f"CREATE SEQUENCE IF NOT EXISTS {column.sequence} START {start} INCREMENT {step}")
            line += f" DEFAULT nextval('{column.sequence}')"
        elif column.physical_default is not None:
            line += f" DEFAULT ({column.physical_default})"
        if not column.nullable:
            line += " NOT NULL"
        columns.append(line)
        if column.kind == "TEXT" and column.length and column.length < LONGEST_TEXT:
            columns.append(f"CHECK (len({quote(column.name)}) <= {column.length})")
    columns += [f"CHECK ({key.physical_clause})" for key in table.constraints if key.kind == "CHECK"]
    return [*sequences, f"CREATE TABLE {table.physical} ({', '.join(columns)})"]
