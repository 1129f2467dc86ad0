"""The write side of PostgreSQL: rows go into schemas beside the target, which take its name at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dbsynth.dialect import Building, RunInfo, Verified
from dbsynth.errors import InternalError, TargetRefused
from dbsynth.schema.model import Schema
from dbsynth.sqlbase.verify import undeclared
from dbsynth_postgresql import building, finish, preconditions
from dbsynth_postgresql.grammar import PostgresqlGrammar
from dbsynth_postgresql.guard import guard
from dbsynth_postgresql.loader import Host, Loader, Places
from dbsynth_postgresql.names import ident
from dbsynth_postgresql.publish import publish
from dbsynth_postgresql.session import Session

GRAMMAR = PostgresqlGrammar()


class PostgresqlTarget(Loader):
    """Implements ``dbsynth.dialect.Target``. Holds two connections at most: one with the locks of the run (only where
    ``prepare`` was called), one that loads."""

    def __init__(self, database: Host) -> None:
        super().__init__(database)
        self._replace = False
        self._control: Session | None = None

    # --- from nothing to empty tables -----------------------------------------------------------------------------

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        plan = Places(schema, mapping, run)
        preconditions.check_names(plan.mapping)
        control = self._control = Session(self._database.writer, run.run_id)
        self._replace = replace
        try:
            here = (self._database.identity(), self._database.describe())
            preconditions.check_not_source(control, mapping, run, here)
            preconditions.check_may_create(control)
            guard().before_anything(control, plan.ddl)
            preconditions.lock_targets(control, plan.mapping)
            if not building.try_lock(control, building.run_lock(run)):
                raise TargetRefused(f"the run {run.run_id} is alive already", hint="give each run an id of its own")
            self._given = plan  # from here on there is something to discard
            building.clear_dead_runs(control)
            preconditions.existing_targets(control, plan.mapping, replace=replace)
            preconditions.rehearse(control, plan.ddl)
            with control.driver.transaction():
                for target, name in plan.building.items():
                    control.run(f"CREATE SCHEMA {ident(name)}", f"schema {name}")
                    control.run(building.comment_on_schema(name, building.building_comment(run, target)))
            control.run_all(plan.ddl.before_rows())
        except BaseException:
            self.discard()
            self.close()
            raise

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        plan = self._given = Places(schema, mapping, run)
        for name in plan.building.values():
            if self._load_session().scalar("SELECT count(*) FROM pg_namespace WHERE nspname = %s", name) == 0:
                raise InternalError(f"the schema {name}, which the run {run.run_id} builds, is gone")

    # --- from full tables to the target ---------------------------------------------------------------------------

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        finish.finish(self._control or self._load_session(), self._plan.ddl, progress)
        # The server tested each constraint when it was created. What is not declared is tested here.
        session, ddl = self._control or self._load_session(), self._plan.ddl
        return undeclared(GRAMMAR, ddl.schema, ddl.place, lambda sql: int(session.scalar(sql)))

    def building(self) -> Building:
        plan = self._plan
        return Building(self._database, {source: plan.building[target] for source, target in plan.mapping.items()})

    def publish(self) -> None:
        if self._control is None:
            raise InternalError("publish was called on a target that was attached to, not prepared")
        self._close_loader()
        publish(self._control, self._plan.building, self._plan.run, replace=self._replace)

    def discard(self) -> None:
        if self._given is None:
            return
        self._close_loader()
        session = self._control
        if session is None or session.driver.closed:
            session = Session(self._database.writer, self._given.run.run_id)
        try:
            building.drop_schemas(session, list(self._given.building.values()))
        finally:
            if session is not self._control:
                session.close()

    def close(self) -> None:
        self._close_loader()
        if self._control is not None:
            self._control.close()
            self._control = None
