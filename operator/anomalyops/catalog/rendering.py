"""From an entry of the catalogue to the manifests of a job and its datafeed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anomalyops.catalog.entries import Entry
from anomalyops.catalog.errors import CatalogError
from anomalyops.resources import API_VERSION, AnomalyJob, Datafeed
from anomalyops.resources.pairs import pair_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user says about his data.

    Attributes:
        indices: Indices, patterns, aliases or data streams to read.
        fields: What fields are called there, by their names in the catalogue; those that are called so are left out.
        filters: Values that fields of the documents must have, beside the entry's own query.
        prefix: Before the names of job and datafeed.
        namespace: To write into the manifests; None for none.
        data_view: The id of Kibana's data view that links lead to; by default the indices as they are written.
        start: Where the datafeed begins; None for its first document.
        end: Where it ends; None to go on in real time.
    """

    indices: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    namespace: str | None = None
    data_view: str | None = None
    start: str | None = None
    end: str | None = None


def render(entry: Entry, choices: Choices) -> tuple[AnomalyJob, Datafeed]:
    """The manifests of an entry for somebody's data.

    Fields that the entry does not read are left out of `fields`: they may be of another entry.

    Raises:
        CatalogError: Two fields would have one name, or the data view cannot stand in a link.
        ManifestError: What was chosen is no valid index, field, name or time.
    """
    names = field_names(entry, choices.fields)
    name = f"{choices.prefix}{entry.name}"
    job_spec, feed_spec = _renamed(dict(entry.job), names), _renamed(dict(entry.datafeed), names)
    job = AnomalyJob.from_object(_manifest(AnomalyJob.KIND, name, choices.namespace, _job(entry, job_spec, choices)))
    feed = Datafeed.from_object(_manifest(Datafeed.KIND, name, choices.namespace, _feed(name, feed_spec, choices)))
    if faults := [fault.message for fault in pair_faults(job, feed)]:
        raise CatalogError(f"{entry.name}: {'; '.join(faults)}")
    return job, feed


def field_names(entry: Entry, chosen: Mapping[str, str]) -> dict[str, str]:
    """What each field of the entry is called in the data.

    Raises:
        CatalogError: Two would have one name.
    """
    names = {one.name: chosen.get(one.name, one.name) for one in entry.fields}
    for name, called in names.items():
        others = [other for other, same in names.items() if same == called and other != name]
        if others:
            raise CatalogError(f"{entry.name}: {name} and {others[0]} cannot both be {called}: choose another --field")
    return names


def _manifest(kind: str, name: str, namespace: str | None, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name} | ({} if namespace is None else {"namespace": namespace})
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _job(entry: Entry, spec: dict[str, Any], choices: Choices) -> dict[str, Any]:
    names = field_names(entry, choices.fields)
    return {
        "description": f"{entry.title}. {entry.finds}",
        "groups": [entry.family],
        **spec,
        "dataDescription": {"timeField": names[entry.time_field]},
        "customSettings": {
            "custom_urls": [_raw_data(spec["analysisConfig"]["detectors"], list(names.values()), choices)]
        },
    }


def _raw_data(detectors: list[dict[str, Any]], fields: list[str], choices: Choices) -> dict[str, str]:
    """A link of an anomaly to its documents in Kibana's Discover; `$name$` stands for a value of the anomaly.

    The values of split fields alone are in every record, so nothing else is in the query. Source: the documentation of
    custom URLs of anomaly detection jobs.
    """
    view = choices.data_view or ",".join(choices.indices)
    if set(view) & set("'!\"&#"):
        raise CatalogError(f"--data-view {view}: an id in a link cannot hold ', !, \", & or #")
    splits = [{one.get(f"{key}FieldName") for key in ("by", "over", "partition")} for one in detectors]
    common = set.intersection(*splits)
    query = " and ".join(f'{name}:"${name}$"' for name in fields if name in common)
    time = "_g=(time:(from:'$earliest$',mode:absolute,to:'$latest$'))"
    return {
        "url_name": "Raw data",
        "time_range": "auto",
        "url_value": f"discover#/?{time}&_a=(index:'{view}',query:(language:kuery,query:'{query}'))",
    }


def _feed(name: str, spec: dict[str, Any], choices: Choices) -> dict[str, Any]:
    made = {"jobRef": {"name": name}, "indices": list(choices.indices), **spec}
    if choices.filters:
        own = (spec.get("query") or {"bool": {"filter": []}})["bool"]["filter"]
        terms = [{"term": {key: value}} for key, value in choices.filters.items()]
        made["query"] = {"bool": {"filter": [*own, *terms]}}
    return made | {key: value for key, value in (("start", choices.start), ("end", choices.end)) if value is not None}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The value with other names of fields, wherever a text or a key is one."""
    if isinstance(value, Mapping):
        return {names.get(key, key): _renamed(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value
