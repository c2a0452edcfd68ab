"""The types of JSON values, as a parser returns them."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Any JSON value; who reads it gives it a type."""
JsonObject: TypeAlias = dict[str, Any]
"""A JSON object."""
