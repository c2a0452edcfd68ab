"""How the demo goes on: bars in a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from anomalyops.cli.apply_view import LiveProgress, PlainProgress, live_bars
from anomalyops.demo.scenario import DemoListener


@contextmanager
def demo_view(console: Console) -> Iterator[DemoListener]:
    """The listener that fits the console."""
    if not console.is_terminal:
        yield PlainDemo(console)
        return
    with live_bars(console) as progress:
        yield LiveDemo(progress)


class PlainDemo(PlainProgress):
    """Lines; the documents are mentioned once."""

    def loading(self, loaded: int, total: int) -> None:
        """Says so when all documents are in."""
        if loaded == total:
            self.say(f"{total:,} web log documents loaded")


class LiveDemo(LiveProgress):
    """Bars; the first is the loading of the documents."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self._loading = progress.add_task("web logs", total=None, words="generating")

    def loading(self, loaded: int, total: int) -> None:
        """Moves the bar."""
        self.bars.update(self._loading, total=total, completed=loaded, words=f"{loaded:,} documents")
