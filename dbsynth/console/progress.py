"""Who watches a run: a live display on a terminal, plain lines elsewhere, JSON lines, or nobody."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from dbsynth.console import words
from dbsynth.console.redact import redact
from dbsynth.console.state import RunState, TableState
from dbsynth.pipeline import events

REFRESHES = 4.0
"""A second: the display shares the cores with the work."""
PLAIN_SECONDS = 15.0
"""Without a terminal, a step that runs longer says so each time so many seconds have passed."""


class Watcher:
    """Takes events, from any thread; says nothing. ``state`` is what it has seen."""

    def __init__(self) -> None:
        self.state = RunState()
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        with self._lock:
            self.state.see(event)
            self.show(event)

    def show(self, event: events.Event) -> None:
        """Tell of ``event``, which ``state`` has taken in already."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None


class JsonWatcher(Watcher):
    """One event a line on the standard output."""

    def show(self, event: events.Event) -> None:
        print(redact(event.to_json()), flush=True)


class PlainWatcher(Watcher):
    """A line as each step of a table ends, on the standard error."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str], float] = {}

    def show(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self._line(heading(event))
            case events.Resumed():
                self._line(going_on(event))
            case events.StepDone(table=None):
                self._line(f"{event.step}  {words.duration(event.seconds)}")
            case events.StepDone(table=str(name)):
                rows = f"  {words.counted(event.rows, 'row')}" if event.rows else ""
                step = self.state.tables[name].named(event.step)
                self._line(f"{name}  {step}{rows}  {words.duration(event.seconds)}")
            case events.StepProgress(table=str(name), step=step):
                self._progress(name, step)

    def _progress(self, name: str, step: str) -> None:
        running, now = self.state.tables[name].running, self.state.clock()
        if running is None or running.step != step or running.share is None:
            return
        if now - self._told.get((name, step), running.since) >= PLAIN_SECONDS:
            self._told[name, step] = now
            left = running.seconds_left(now)
            more = f", {words.left(left)}" if left is not None else ""
            self._line(f"{name}  {self.state.tables[name].named(step)}  {running.share:.0%}{more}")

    def _line(self, text: str) -> None:
        print(redact(text), file=sys.stderr, flush=True)


class LiveWatcher(Watcher):
    """One live line for each table at work, and one for the run; a lasting line for each table that is done."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console,
            get_renderable=self.render,
            refresh_per_second=REFRESHES,
            transient=True,
            redirect_stdout=False,
        )

    def show(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self._live.console.print(Text(redact(heading(event))))
            case events.Resumed():
                self._live.console.print(Text(going_on(event)))
            case events.StepDone(table=str(name), step=step) if step == self.state.last:
                self._live.console.print(self._finished(self.state.tables[name]))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def _finished(self, table: TableState) -> Text:
        line = Text().append("✓ ", style="green").append(table.name)
        line.append(f"  {words.counted(table.finished_rows, 'row')}  {words.duration(table.seconds)}", style="dim")
        return line.append("  kept", style="cyan") if table.kept else line

    def render(self) -> RenderableType:
        now, state = self.state.clock(), self.state
        grid = Table.grid(padding=(0, 2))
        for _ in range(5):
            grid.add_column(no_wrap=True, overflow="ellipsis")
        for table in list(state.active):
            running = table.running
            if running is None:  # it ended since
                continue
            speed, left, share = running.rows_per_second(now), running.seconds_left(now), running.share
            grid.add_row(
                Text(f"  {table.name}"),
                Text(table.named(running.step), style="cyan"),
                ProgressBar(total=1.0, completed=share, width=24) if share is not None else Text(""),
                Text(words.rate(speed) if speed else f"{share:.0%}" if share is not None else "", style="dim"),
                Text(words.left(left) if left is not None else "", style="dim"),
            )
        return Group(grid, self._whole(now))

    def _whole(self, now: float) -> RenderableType:
        state = self.state
        to_make = state.to_make
        done = sum(t.finished for t in to_make)
        parts = [f"{done} of {words.counted(len(to_make), 'table')}"] if to_make else ["reading the catalog"]
        if state.step is not None:
            parts = [state.step.step]
        parts.append(words.duration(now - state.since))
        left = state.seconds_left() if state.step is None and done < len(to_make) else None
        if left is not None:
            parts.append(f"about {words.left(left)}")
        self._spinner.update(text=Text("  ".join(parts), style="bold"))
        return self._spinner


def heading(event: events.RunStarted) -> str:
    seed = words.seeds(event.seed, event.sample_seed)
    return f"{event.source} → {event.target}  {words.counted(len(event.tables), 'table')}  seed {seed}"


def going_on(event: events.Resumed) -> str:
    told = f"an interrupted run goes on: {words.counted(len(event.learned), 'table')} learned already"
    return f"{told}, {words.counted(len(event.begun), 'training')} begun" if event.begun else told


def watcher(*, quiet: bool, as_json: bool) -> Watcher:
    if as_json:
        return JsonWatcher()
    if quiet:
        return Watcher()
    console = Console(stderr=True)
    return LiveWatcher(console) if console.is_terminal and not console.is_dumb_terminal else PlainWatcher()
