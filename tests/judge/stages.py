"""Engines that recorded cases are asked of: one without jobs, and one with.

Whoever had a job keeps the restricted index of configurations, which nobody can delete; whoever lists all indices
after that sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine_process import EngineProcess
from judge.engine import EngineServer
from judge.recorded import Recorded, Stage
from judge.verdicts import Verdict


@contextmanager
def stages(folder: Path) -> Iterator[Callable[[Recorded], list[Verdict]]]:
    """Start both engines, and stop them at the end.

    Args:
        folder: of their data.

    Yields:
        What asks the engine for which a case is, and says how its answers relate to the recorded ones.
    """
    with ExitStack() as stack:
        found = []
        for name in ("without-jobs", "with-jobs"):
            (folder / name).mkdir()
            engine = EngineProcess(folder / name)
            engine.start()
            stack.callback(engine.kill)
            found.append(Stage(EngineServer(engine.url)))

        def verdicts(recorded: Recorded) -> list[Verdict]:
            requests = (*recorded.case.setup, *recorded.case.steps)
            return found[any("_ml/" in request.path for request in requests)].verdicts(recorded)

        yield verdicts
