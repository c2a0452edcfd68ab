"""What resources read from ConfigMaps of their namespace, put in its place, as if it stood there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from anomalyops.resources.calendar import AnomalyCalendar, IcsSource, events_of_file
from anomalyops.resources.conditions import Reason
from anomalyops.resources.filter import MOST_ITEMS, AnomalyFilter, read_items
from anomalyops.resources.identifiers import ConfigMapKeyReference
from anomalyops.resources.kinds import SharedResource
from anomalyops.resources.secret import SecretManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProblem:
    """Why a text of a ConfigMap cannot be used.

    Attributes:
        field: Where the resource names it, such as `spec.ics[0].configMapRef`.
        reason: The reason that a condition carries.
        message: What was found, what is accepted, and what a person can do.
        waiting: Whether it may pass by itself.
    """

    field: str
    reason: Reason
    message: str
    waiting: bool = False

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class TextError(Exception):
    """A text that cannot be had.

    Args:
        reason: The reason that a condition carries.
        message: What is not there, and what a person can do.
        waiting: Whether it may pass by itself.
    """

    def __init__(self, reason: Reason, message: str, *, waiting: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.waiting = waiting


ManifestsByName = Mapping[tuple[str, str, str], SecretManifest]
"""Secrets and ConfigMaps by kind, namespace and name."""

TextOf = Callable[[ConfigMapKeyReference], str]
"""The text under a key; raises TextError when there is none."""


def with_texts(resource: SharedResource, text: TextOf) -> tuple[SharedResource, tuple[SourceProblem, ...]]:
    """A resource with the texts that it names written into it, and why some of them cannot be.

    Only without problems is it what the manifest asks for.

    Args:
        resource: The resource; one that names no ConfigMap comes back as it is.
        text: Gives the text under a key of a ConfigMap of its namespace.
    """
    if not resource.config_maps:
        return resource, ()
    problems: list[SourceProblem] = []
    if isinstance(resource, AnomalyFilter):
        return _filter(resource, text, problems), tuple(problems)
    return _calendar(resource, text, problems), tuple(problems)


def _filter(resource: AnomalyFilter, text: TextOf, problems: list[SourceProblem]) -> AnomalyFilter:
    items = dict.fromkeys(resource.spec.items or ())
    for number, source in enumerate(resource.spec.items_from or ()):
        field = f"spec.itemsFrom[{number}].configMapRef"
        items |= dict.fromkeys(_used(source.config_map_ref, text, field, problems, _some_items))
    if len(items) > MOST_ITEMS and not problems:
        message = f"there are {len(items):,} items in all, and a filter list holds {MOST_ITEMS:,}: choose fewer"
        problems.append(SourceProblem(field="spec.itemsFrom", reason=Reason.SOURCE_INVALID, message=message))
    spec = resource.spec.model_copy(update={"items": list(items), "items_from": None})
    return resource.model_copy(update={"spec": spec})


def _some_items(text: str) -> list[str]:
    items = list(read_items(text))
    if not items:
        raise ValueError("no item in this text: write one a line, or items: [] in the manifest for an empty list")
    return items


def _calendar(resource: AnomalyCalendar, text: TextOf, problems: list[SourceProblem]) -> AnomalyCalendar:
    def written(number: int, source: IcsSource) -> IcsSource:
        if source.config_map_ref is None:
            return source
        field = f"spec.ics[{number}].configMapRef"
        found = _used(source.config_map_ref, text, field, problems, _readable_file(resource.spec.time_zone))
        return source.model_copy(update={"inline": "".join(found), "config_map_ref": None})

    files = [written(number, source) for number, source in enumerate(resource.spec.ics or ())]
    return resource.model_copy(update={"spec": resource.spec.model_copy(update={"ics": files})})


def _readable_file(zone: str) -> Callable[[str], Sequence[str]]:
    def readable(text: str) -> Sequence[str]:
        file = text.removeprefix("\ufeff")
        events_of_file(file, zone)
        return [file]

    return readable


def _used(
    reference: ConfigMapKeyReference,
    text: TextOf,
    field: str,
    problems: list[SourceProblem],
    use: Callable[[str], Sequence[str]],
) -> Sequence[str]:
    """What is made of a text; nothing, and a problem more, where it cannot be had or used."""
    try:
        return use(text(reference))
    except TextError as error:
        problem = SourceProblem(field=field, reason=error.reason, message=error.message, waiting=error.waiting)
    except ValueError as error:
        message = f"ConfigMap {reference.name}, key {reference.key}: {error}"
        problem = SourceProblem(field=field, reason=Reason.SOURCE_INVALID, message=message)
    problems.append(problem)
    return ()


def text_of(found: SecretManifest, key: str) -> str:
    """The text under a key of a ConfigMap.

    Raises:
        TextError: There is no such key, or its value is not text.
    """
    what = f"{found.kind} {found.namespace}/{found.name}"
    if key not in found.data:
        have = ", ".join(sorted(found.data)) or "none"
        raise TextError(Reason.SOURCE_INVALID, f"{what} has no key {key!r}; its keys: {have}")
    try:
        return found.data[key].decode()
    except UnicodeDecodeError:
        raise TextError(Reason.SOURCE_INVALID, f"{what}: the value of {key!r} is not text") from None


def texts_among(known: ManifestsByName, namespace: str, *, absent: str) -> TextOf:
    """The texts of ConfigMaps that are at hand.

    Args:
        known: They, and others.
        namespace: Of who reads them.
        absent: What is said of one that is not among them, such as `is not in the files`.
    """

    def text(reference: ConfigMapKeyReference) -> str:
        found = known.get(("ConfigMap", namespace, reference.name))
        if found is None:
            raise TextError(Reason.SOURCE_NOT_FOUND, f"ConfigMap {namespace}/{reference.name} {absent}")
        return text_of(found, reference.key)

    return text
