"""How applying goes on: live bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from anomalyops.cli.plan_view import step_line
from anomalyops.local.applying import Applied
from anomalyops.local.progress import Progress as PairProgress
from anomalyops.local.progress import Verdict
from anomalyops.local.shared import AppliedShared
from anomalyops.plan import Plan, Step
from anomalyops.reconciler import Pair
from anomalyops.resources import SharedResource


@contextmanager
def progress_view(console: Console) -> Iterator[PlainProgress | LiveProgress]:
    """The listener that fits the console."""
    if not console.is_terminal:
        yield PlainProgress(console)
        return
    with live_bars(console) as progress:
        yield LiveProgress(progress)


class PlainProgress:
    """One line for every step and every change of mind."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, str] = {}
        self._owned: set[str] = set()
        self._stepped: dict[str, str] = {}

    def say(self, words: str) -> None:
        """Prints a line."""
        self._console.print(Text(words), soft_wrap=True)

    def plan(self, pair: Pair, plan: Plan) -> None:
        """Prints whose the job is, once, before it is touched."""
        if plan.ownership and pair.key not in self._owned:
            self._owned.add(pair.key)
            self.say(f"{pair.job_name}: {plan.ownership}")

    def step(self, pair: Pair, step: Step) -> None:
        """Prints the step; the same one tried again is told by what `progress` says of it."""
        words = Text(f"{pair.job_name}: ").append(step_line(step))
        if self._stepped.get(pair.key) != words.plain:
            self._stepped[pair.key] = words.plain
            self._console.print(words, soft_wrap=True)

    def shared_step(self, resource: SharedResource, step: Step) -> None:
        """Prints a step on what several jobs may use."""
        self._console.print(Text(f"{resource.name}: ").append(step_line(step)), soft_wrap=True)

    def progress(self, progress: PairProgress) -> None:
        """Prints what is waited for when that changes, and the end; `unready_lines` tell what is stuck."""
        if progress.verdict is Verdict.STUCK:
            return
        words = progress.message if progress.verdict is not Verdict.READY else f"ready{_counts(progress)}"
        if self._said.get(progress.pair.key) != words:
            self._said[progress.pair.key] = words
            self.say(f"{progress.pair.job_name}: {words}")


class LiveProgress:
    """One bar for each pair; steps scroll by above the bars."""

    def __init__(self, progress: Progress) -> None:
        self.bars = progress
        self._tasks: dict[str, TaskID] = {}
        self._owned: set[str] = set()

    def plan(self, pair: Pair, plan: Plan) -> None:
        """Prints whose the job is, once, before it is touched."""
        if plan.ownership and pair.key not in self._owned:
            self._owned.add(pair.key)
            self.bars.console.print(Text(f"  {plan.ownership}", "dim"), no_wrap=True, overflow="ellipsis")

    def step(self, pair: Pair, step: Step) -> None:
        """Prints the step and names it at the pair's bar."""
        self.bars.console.print(Text("  ").append(step_line(step)), no_wrap=True, overflow="ellipsis")
        self.bars.update(self._task(pair), words=step.verb)

    def shared_step(self, resource: SharedResource, step: Step) -> None:
        """Prints a step on what several jobs may use."""
        words = Text(f"  {resource.name}: ").append(step_line(step))
        self.bars.console.print(words, no_wrap=True, overflow="ellipsis")

    def progress(self, progress: PairProgress) -> None:
        """Moves the pair's bar."""
        task = self._task(progress.pair)
        if progress.verdict is Verdict.READY:
            self.bars.update(task, total=1.0, completed=1.0, words=f"ready{_counts(progress)}")
        elif progress.fraction is not None:
            self.bars.update(task, total=1.0, completed=progress.fraction, words=f"lookback{_counts(progress)}")
        else:
            self.bars.update(task, words=progress.message)
        if progress.verdict is not Verdict.WORKING:
            self.bars.stop_task(task)

    def _task(self, pair: Pair) -> TaskID:
        if pair.key not in self._tasks:
            self._tasks[pair.key] = self.bars.add_task(pair.job_name, total=None, words="")
        return self._tasks[pair.key]


def unready_lines(applied: Sequence[Applied], timeout: str) -> list[Text]:
    """One line for each pair that is not ready: which, and why not."""
    lines = []
    for item in applied:
        if item.progress.verdict is Verdict.READY:
            continue
        late = f" (not ready after {timeout})" if item.progress.verdict is Verdict.WORKING else ""
        lines.append(Text(f"{item.progress.pair.job_name}: {item.progress.message}{late}", style="bold red"))
    return lines


def unready_shared(applied: Sequence[AppliedShared], timeout: str) -> list[Text]:
    """One line for each resource that is not ready: which, and why not."""
    return [
        Text(
            f"{item.resource.name}: {item.message}"
            + (f" (not ready after {timeout})" if item.verdict is Verdict.WORKING else ""),
            style="bold red",
        )
        for item in applied
        if item.verdict is not Verdict.READY
    ]


def live_bars(console: Console) -> Progress:
    """Bars that end with words about what is going on."""
    return Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}", style="bold"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[words]}"),
        console=console,
    )


def _counts(progress: PairProgress) -> str:
    if not progress.processed:
        return ""
    until = f", data until {progress.reached:%Y-%m-%d %H:%M}" if progress.reached is not None else ""
    return f": {progress.processed:,} records{until}"
