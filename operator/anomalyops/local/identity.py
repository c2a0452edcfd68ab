"""Who a folder of manifests is, so that two folders with the same names on one server do not take each other's jobs.

In this order: what the command line says; a file `.anomalyops-owner` in the folder of the manifest or above it; the
remote of the git repository and the folder in it; the path of the folder. What names a repository survives another
checkout, another machine and another protocol; a path does not survive a move, and then says how to go on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from anomalyops.local.errors import LocalError

OWNER_FILE: Final = ".anomalyops-owner"
_LONGEST: Final = 256
_REMOTE = re.compile(r'^\[remote "(?P<name>[^"]+)"\](?P<body>[^\[]*)', re.MULTILINE)
_URL = re.compile(r"^\s*url\s*=\s*(?P<url>\S+)", re.MULTILINE)
_SCP = re.compile(r"^(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>(?!//).+)$")


def checked_owner(text: str, where: str) -> str:
    """An owner id that a person gave.

    Args:
        text: The id.
        where: Where it was given, for the error.

    Raises:
        LocalError: It is empty, too long or not one line of printable text.
    """
    owner = text.strip()
    if not owner or len(owner) > _LONGEST or not owner.isprintable():
        raise LocalError(f"{where}: an owner is one line of 1 to {_LONGEST} printable characters, not {owner[:40]!r}")
    return owner


def owner_of_folder(folder: Path) -> str:
    """The owner id of the manifests in a folder.

    Raises:
        LocalError: A file `.anomalyops-owner` holds no usable id.
    """
    folder = folder.resolve()
    for parent in (folder, *folder.parents):
        file = parent / OWNER_FILE
        if file.is_file():
            try:
                return checked_owner(file.read_text(encoding="utf-8"), str(file))
            except (OSError, UnicodeDecodeError) as error:
                raise LocalError(f"{file}: cannot be read: {error}") from error
        if (parent / ".git").exists():
            remote = _remote(parent / ".git")
            inside = folder.relative_to(parent).as_posix()
            if remote:
                return f"git:{remote}" + ("" if inside == "." else f"//{inside}")
            break
    return f"dir:{folder.as_posix()}"


def _remote(git: Path) -> str:
    """The repository's remote, `origin` before others; empty where there is none or it cannot be read."""
    try:
        if git.is_file():  # a worktree or a submodule: a pointer
            pointed = git.parent / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
            common = pointed / "commondir"
            git = pointed / common.read_text(encoding="utf-8").strip() if common.is_file() else pointed
        text = (git / "config").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    urls = {
        section["name"]: found["url"] for section in _REMOTE.finditer(text) if (found := _URL.search(section["body"]))
    }
    url = urls.get("origin") or next((urls[name] for name in sorted(urls)), "")
    return _normal(url)


def _normal(url: str) -> str:
    """A remote without protocol, user, password and `.git`: `github.com/acme/jobs`."""
    if scp := _SCP.match(url):
        host, path = scp["host"], scp["path"]
    else:
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return ""
        host, path = f"{parts.hostname or ''}{port}", parts.path
    path = path.strip("/").removesuffix(".git")
    return f"{host.lower()}/{path}" if host else f"/{path}"
