"""JSON and YAML output: exactly one document on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from anomalyops.cli.options import OutputFormat


def write(value: Any, output: OutputFormat) -> None:
    """Writes a value of plain JSON types to stdout."""
    if output is OutputFormat.YAML:
        import yaml

        plain = json.loads(json.dumps(value, default=str))  # enums and the like as what they stand for
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    else:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()
