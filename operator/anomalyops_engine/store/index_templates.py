"""Index templates: what is stored of them, and what a new index gets of them.

Three kinds are kept as configurations: old templates (`_template`), of which all that match are merged by their order;
composable ones (`_index_template`), of which the one with the highest priority counts and hides the old ones; and the
components (`_component_template`) that these are composed of. Bodies are kept as they are shown, settings as flat text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.store.patterns import matches
from anomalyops_engine.store.template_merging import composed_mappings, merged_deeply, overlaps

LEGACY: Final = "index_template_legacy"
COMPOSABLE: Final = "index_template"
COMPONENT: Final = "component_template"
KINDS: Final = (LEGACY, COMPOSABLE, COMPONENT)

Bodies = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What is said of an index before it is made.

    Attributes:
        settings: by their names below `index.`; None sets one back to its default.
        mappings: a `mappings` body.
        aliases: alias name to its properties.
    """

    settings: Mapping[str, str | None] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def under(self, other: Blueprint) -> Blueprint:
        """Return this with another part of a composition over it."""
        return Blueprint(
            {**self.settings, **other.settings},
            composed_mappings(self.mappings, other.mappings),
            {**self.aliases, **other.aliases},
        )

    def under_deeply(self, other: Blueprint) -> Blueprint:
        """Return this with another over it as old templates are merged."""
        return Blueprint(
            {**self.settings, **other.settings},
            merged_deeply(self.mappings, other.mappings),
            {**self.aliases, **other.aliases},
        )

    def of(self, index: str) -> Blueprint:
        """Return this for one index, whose name stands where aliases say `{index}`."""
        named = {alias.replace("{index}", index): properties for alias, properties in self.aliases.items()}
        return Blueprint(self.settings, self.mappings, named)


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates of a store by name.

    Attributes:
        legacy: old ones.
        composable: those that are composed.
        components: what they are composed of.
    """

    legacy: Bodies
    composable: Bodies
    components: Bodies

    def winner(self, index: str, *, hidden: bool = False) -> str | None:
        """Return the composable template of a new index, None where none matches."""
        found = [
            (priority_of(body), name)
            for name, body in self.composable.items()
            if _covers(body["index_patterns"], index, hidden=hidden)
        ]
        return max(found)[1] if found else None

    def blueprint(self, index: str, request: Blueprint, *, hidden: bool = False) -> Blueprint:
        """Return what is said of a new index.

        Args:
            index: its name.
            request: what the request says, which counts more than any template.
            hidden: whether the request makes it a hidden index, which templates for everything leave alone.
        """
        name = self.winner(index, hidden=hidden)
        if name is not None:
            return self.composition(self.composable[name]).of(index).under(request)
        found = Blueprint()
        for body in self._legacy_of(index, hidden=hidden):
            found = found.under_deeply(_part(body))
        return found.of(index).under_deeply(request)

    def composition(self, body: Mapping[str, Any]) -> Blueprint:
        """Return what a composable template says together with its components, later ones over earlier ones."""
        found = Blueprint()
        for name in body.get("composed_of", []):
            component = self.components.get(name)
            if component is not None:
                found = found.under(_part(component["template"]))
        return found.under(_part(body.get("template", {})))

    def overlapping(self, kind: str, patterns: Sequence[str], *, but: str = "") -> dict[str, list[str]]:
        """Return the templates of a kind, with their patterns, that may match the same index as some patterns."""
        bodies = self.legacy if kind == LEGACY else self.composable
        return {
            name: list(body["index_patterns"])
            for name, body in bodies.items()
            if name != but and any(overlaps(mine, other) for mine in body["index_patterns"] for other in patterns)
        }

    def users_of(self, component: str) -> list[str]:
        """Return the composable templates that a component is part of, by name."""
        return [name for name, body in self.composable.items() if component in body.get("composed_of", [])]

    def _legacy_of(self, index: str, *, hidden: bool) -> Iterator[Mapping[str, Any]]:
        """Give the old templates of an index, those that count more later."""
        for _, body in sorted(self.legacy.items(), key=lambda pair: (pair[1]["order"], pair[0])):
            if _covers(body["index_patterns"], index, hidden=hidden):
                yield body


def is_of_streams(body: Mapping[str, Any]) -> bool:
    """Return whether a composable template is one of data streams."""
    return body.get("data_stream") is not None


def priority_of(body: Mapping[str, Any]) -> int:
    """Return the priority of a composable template."""
    return int(body.get("priority", 0))


def _covers(patterns: Sequence[str], index: str, *, hidden: bool) -> bool:
    return any(matches(pattern, index) and not (hidden and pattern == "*") for pattern in patterns)


def _part(body: Mapping[str, Any]) -> Blueprint:
    return Blueprint(body.get("settings", {}), body.get("mappings", {}), body.get("aliases", {}))
