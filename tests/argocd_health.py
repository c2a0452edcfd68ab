"""The health script of the Argo CD settings, run as Argo CD runs it: Lua 5.1, no library but `ipairs`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime

SCRIPT = Path(__file__).parent.parent / "manifests" / "argocd" / "health.lua"
_LOAD = """
function(text, given)
  local chunk = assert(loadstring(text))
  return setfenv(chunk, { ipairs = ipairs, obj = given })
end
"""


def health_of(manifest: Mapping[str, Any], script: str | None = None) -> tuple[str, str]:
    """The health of an object and its message."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    text = script or SCRIPT.read_text(encoding="utf-8")
    found = lua.eval(_LOAD)(text, lua.table_from(manifest, recursive=True))()
    return found["status"], found["message"]
