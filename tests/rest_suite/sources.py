"""Where the tests and the descriptions of APIs come from: archives of Elasticsearch's, and folders of one's own."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from maven import NotFetched, fetched
from rest_suite.cases import Test, cases_of
from user_cache import user_cache

_HERE = Path(__file__).parent
_TESTS = "rest-api-spec/test/"
_APIS = "rest-api-spec/api/"


class SuiteUnavailable(Exception):
    """The tests cannot be had; the message says why."""


class Loader(yaml.SafeLoader):
    """YAML as the tests mean it: what looks like a date is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _archive(part: str) -> zipfile.ZipFile:
    """The archive that a pom names, from the cache or by Maven.

    Raises:
        SuiteUnavailable: Maven is missing, or could not download it.
    """
    try:
        folder = fetched(_HERE / f"{part}.pom.xml", user_cache("rest-suite") / part)
    except NotFetched as error:
        raise SuiteUnavailable(str(error)) from None
    (found,) = folder.glob("*.jar")
    return zipfile.ZipFile(found)


def published_tests() -> Iterator[Test]:
    """The tests of Elasticsearch's core, as far as they were published.

    Raises:
        SuiteUnavailable: they cannot be had.
    """
    with _archive("tests") as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(_TESTS) and name.endswith(".yml"):
                text = archive.read(name).decode()
                yield from cases_of(name.removeprefix(_TESTS), list(yaml.load_all(text, Loader)))


def tests_in(folder: Path) -> Iterator[Test]:
    """The tests of a folder of one's own."""
    for path in sorted(folder.rglob("*.yml")):
        yield from cases_of(str(path.relative_to(folder)), list(yaml.load_all(path.read_text(), Loader)))


def apis() -> dict[str, dict[str, Any]]:
    """The descriptions of APIs by name: paths with their methods, and parameters.

    Raises:
        SuiteUnavailable: they cannot be had.
    """
    found = {}
    with _archive("api") as archive:
        for name in archive.namelist():
            if name.startswith(_APIS) and name.endswith(".json") and not name.endswith("_common.json"):
                found |= json.loads(archive.read(name))
    return found
