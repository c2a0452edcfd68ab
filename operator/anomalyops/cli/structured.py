"""JSON and YAML output: exactly one document on stdout, whatever happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from anomalyops.cli.options import OutputFormat, asked_for

_owed: ContextVar[bool] = ContextVar("_owed", default=True)


def write(value: Any, output: OutputFormat) -> None:
    """Writes a value of plain JSON types to stdout."""
    _owed.set(False)
    if output is OutputFormat.YAML:
        import yaml

        plain = json.loads(json.dumps(value, default=str))  # enums and the like as what they stand for
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    else:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()


def begin() -> None:
    """A command begins: it has asked for nothing and written nothing."""
    asked_for.set(OutputFormat.TABLE)
    _owed.set(True)


def write_errors(errors: Sequence[dict[str, Any]]) -> None:
    """Writes `{"errors": [...]}`, if the command was asked for a document and has not written it."""
    if _owed.get() and asked_for.get() is not OutputFormat.TABLE:
        write({"errors": list(errors)}, asked_for.get())
