"""A Secret that stands in the same files as the resources, for use without a cluster."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretManifest:
    """A `v1/Secret` or `v1/ConfigMap` document: `data` holds decoded values. Its repr hides them."""

    name: str
    namespace: str = "default"
    kind: str = "Secret"
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def from_object(cls, value: Mapping[str, Any]) -> SecretManifest:
        """The Secret or ConfigMap of a document.

        Raises:
            ValueError: The name is missing or a value is not base64; the error does not hold the value.
        """
        metadata = value.get("metadata")
        if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
            raise ValueError("metadata.name is missing: write the Secret's name")
        kind = str(value.get("kind"))
        data: dict[str, bytes] = {}
        encoded = {**_texts(value, "data"), **_texts(value, "binaryData")}
        for key, text in encoded.items():
            if kind == "ConfigMap" and key in _texts(value, "data"):
                data[key] = text.encode()
                continue
            try:
                data[key] = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise ValueError(f"data.{key} is not base64: encode it, or use stringData") from None
        data |= {key: text.encode() for key, text in _texts(value, "stringData").items()}
        namespace = metadata.get("namespace") or "default"
        return cls(name=metadata["name"], namespace=str(namespace), kind=kind, data=data)


def _texts(value: Mapping[str, Any], part: str) -> dict[str, str]:
    """The string values of one part of the document."""
    entries = value.get(part) or {}
    if not isinstance(entries, Mapping):
        raise ValueError(f"{part} is not an object: write keys and values")
    for key, text in entries.items():
        if not isinstance(text, str):
            raise ValueError(f"{part}.{key} is not a string: put it in quotes")
    return dict(entries)
