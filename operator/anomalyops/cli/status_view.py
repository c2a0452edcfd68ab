"""Resources with their status: as the tables of `kubectl get`, as JSON and as YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from anomalyops.cli.options import OutputFormat
from anomalyops.local.progress import Verdict, verdict_of, verdict_of_resources
from anomalyops.reconciler import Pair
from anomalyops.resources import AnyResource, SharedResource, custom_resource_definitions

_WIDEST: Final = 250  # characters of a line
_NAMES: Final = {"True": "green", "False": "bold red", "Unknown": "yellow"}
_STATES: Final = {
    "opened": "green", "started": "green", "ok": "green", "failed": "bold red", "hard_limit": "bold red",
    "soft_limit": "yellow", "opening": "yellow", "closing": "yellow", "starting": "yellow", "stopping": "yellow",
}  # fmt: skip
_PATH_STEP: Final = re.compile(
    r'\.(?P<key>\w+)|\[\?\(@\.(?P<by>\w+)\s*==\s*["\'](?P<value>[^"\']*)["\']\)\]|\[(?P<index>\d+)\]'
)


def show(resources: Sequence[AnyResource], output: OutputFormat) -> None:
    """Writes resources to stdout."""
    if output is OutputFormat.TABLE:
        from anomalyops.cli.console import output as console

        print_tables(console(), resources)
    else:
        from anomalyops.cli.structured import write

        write(document(resources), output)


def unready_lines(pairs: Iterable[Pair]) -> list[Text]:
    """One line for each pair that is not ready: which, and why not."""
    found = ((pair, *verdict_of(pair)) for pair in pairs)
    return [
        Text(f"{pair.job_name}: {message}", style="bold red" if verdict is Verdict.STUCK else "yellow")
        for pair, verdict, message in found
        if verdict is not Verdict.READY
    ]


def unready_shared(resources: Iterable[SharedResource]) -> list[Text]:
    """One line for each resource that is not ready: which, and why not."""
    found = ((resource, *verdict_of_resources([resource])) for resource in resources)
    return [
        Text(f"{resource.name}: {message}", style="bold red" if verdict is Verdict.STUCK else "yellow")
        for resource, verdict, message in found
        if verdict is not Verdict.READY
    ]


def print_tables(console: Console, resources: Sequence[AnyResource]) -> None:
    """Prints the tables; in a narrow terminal their lines run on, as kubectl's do, instead of being folded."""
    width = console.width
    console.width = max(width, _WIDEST)
    try:
        console.print(tables(resources), soft_wrap=True)
    finally:
        console.width = width


def document(resources: Iterable[AnyResource]) -> dict[str, Any]:
    """The resources as `kubectl get -o json` has them: a List of objects with status."""
    return {"apiVersion": "v1", "kind": "List", "items": [as_object(resource) for resource in resources]}


def as_object(resource: AnyResource) -> dict[str, Any]:
    """The resource with its status, camelCase, JSON values."""
    status = resource.status.manifest() if resource.status is not None else {}
    return resource.manifest() | {"status": status}


def tables(resources: Sequence[AnyResource]) -> Group:
    """One table for each kind that is there."""
    parts: list[Table | Text] = []
    for crd in custom_resource_definitions():
        kind = crd["spec"]["names"]["kind"]
        found = [resource for resource in resources if resource.kind == kind]
        if found:
            parts += [*([Text("")] if parts else []), _table(crd, found)]
    return Group(*parts)


def _table(crd: Mapping[str, Any], resources: Sequence[AnyResource]) -> Table:
    columns = [
        column
        for column in crd["spec"]["versions"][0].get("additionalPrinterColumns", [])
        if column.get("priority", 0) == 0 and column["type"] != "date"  # a file has no age
    ]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    singular = crd["spec"]["names"]["singular"]
    table.add_column("NAME", overflow="fold")
    for column in columns:
        table.add_column(column["name"].upper(), overflow="fold")
    for resource in resources:
        value = as_object(resource)
        cells = [_cell(json_path(value, column["jsonPath"])) for column in columns]
        table.add_row(f"{singular}/{resource.name}", *cells)
    return table


def _cell(value: Any) -> Text:
    text = "" if value is None else str(value)
    return Text(text, style=_NAMES.get(text) or _STATES.get(text) or "")


def json_path(value: Any, path: str) -> Any:
    """What a printer column's JSONPath finds: keys, list positions and `[?(@.key=="value")]`. None for nothing."""
    position = 0
    while position < len(path):
        match = _PATH_STEP.match(path, position)
        if match is None:
            raise ValueError(f"JSONPath {path!r} is not understood from position {position}")
        value = _step(value, match)
        position = match.end()
    return value


def _step(value: Any, match: re.Match[str]) -> Any:
    if match["key"] is not None:
        return value.get(match["key"]) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        return None
    if match["index"] is not None:
        return value[int(match["index"])] if int(match["index"]) < len(value) else None
    return next((item for item in value if str(item.get(match["by"])) == match["value"]), None)
