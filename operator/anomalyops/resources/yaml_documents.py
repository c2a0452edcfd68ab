"""YAML documents with their line numbers, read as kubectl reads them.

Differences from PyYAML's own loader: a repeated key is an error, and a plain date stays the text it is.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from anomalyops.resources.problems import ManifestError, Problem

_TIMESTAMP = "tag:yaml.org,2002:timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file: its number from 1, its value, and where each part of it stands."""

    source: str
    number: int
    value: Any
    node: yaml.Node | None = None

    def line(self, path: Sequence[str | int] = ()) -> int:
        """The line, from 1, of the deepest part of `path` that the document has; 0 without a text."""
        node = self.node
        if node is None:
            return 0
        line = node.start_mark.line + 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line + 1
        return line


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The node that marks an entry's place, and the entry."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


class _Loader(yaml.CSafeLoader):
    """The fast safe loader without dates and without repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """A mapping; refuses a key that is written twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None,
                        None,
                        f"the key '{key.value}' is written twice: keep one of them",
                        key.start_mark,
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load_documents(text: str, *, source: str) -> list[Document]:
    """All documents of a YAML (or JSON) text that are not empty.

    Raises:
        ManifestError: The text is not YAML, or a key is repeated; with the line.
    """
    documents = []
    loader = _Loader(text)
    number = 0
    try:
        while loader.check_node():
            number += 1
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                documents.append(Document(source=source, number=number, value=value, node=node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        message = error.problem or error.context or "not YAML"
        written = text.splitlines()[line - 1 : line]
        if any("\t" in part[: len(part) - len(part.lstrip())] for part in written):
            message += ": indent with spaces, not with tabs"
        raise ManifestError([Problem(source=source, document=max(number, 1), line=line, message=message)]) from error
    except yaml.YAMLError as error:
        raise ManifestError(
            [Problem(source=source, document=max(number, 1), line=1, message=f"not YAML: {error}")]
        ) from error
    finally:
        loader.dispose()
    return documents
