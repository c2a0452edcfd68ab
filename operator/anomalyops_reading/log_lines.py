"""Log files whose lines are known: access logs of Apache and nginx, syslog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TextIO

from anomalyops_reading.rows import Table, Unreadable

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LogFormat:
    """One kind of log line.

    Attributes:
        name: what a user calls it.
        line: what matches a line; its groups are the fields, and what is `-` or missing says nothing.
        time_format: how its field `timestamp` is written.
        example: a line of it.
    """

    name: str
    line: re.Pattern[str]
    time_format: str
    example: str


_ACCESS: Final = (
    r"(?P<client>\S+) (?P<identity>\S+) (?P<user>\S+(?: \S+)?) \[(?P<timestamp>[^\]]+)\] "
    r'"(?:(?P<method>[A-Z]+) (?P<path>(?:[^"\\]|\\.)*?)(?: (?P<protocol>[A-Z]+/[\d.]+))?|'
    r'(?P<request>(?:[^"\\]|\\.)*))" '
    r"(?P<status>\d{3}|-) (?P<bytes>\d+|-)"
)
_AGENT: Final = r'(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<user_agent>(?:[^"\\]|\\.)*)")?'
_ACCESS_TIME: Final = "dd/MMM/yyyy:HH:mm:ss Z"

LOG_FORMATS: Final = {
    log.name: log
    for log in (
        LogFormat(
            "apache",
            re.compile(_ACCESS + _AGENT + r"(?: (?P<extra>.+))?"),
            _ACCESS_TIME,
            '10.0.0.1 - - [06/May/2024:07:08:09 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8"',
        ),
        LogFormat(
            "nginx",
            re.compile(_ACCESS + _AGENT + r"(?: (?P<request_time>\d+\.\d+))?(?: (?P<extra>.+))?"),
            _ACCESS_TIME,
            '10.0.0.1 - - [06/May/2024:07:08:09 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8" 0.012',
        ),
        LogFormat(
            "syslog",
            re.compile(
                r"(?:<(?P<priority>\d{1,3})>)?(?P<timestamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) "
                r"(?P<program>[^\[:\s]+)(?:\[(?P<pid>\d+)\])?: ?(?P<message>.*)"
            ),
            "MMM d HH:mm:ss",
            "May  6 07:08:09 web-1 sshd[4242]: Accepted password for alice",
        ),
        LogFormat(
            "syslog5424",
            re.compile(
                r"<(?P<priority>\d{1,3})>\d+ (?P<timestamp>\S+) (?P<host>\S+) (?P<program>\S+) (?P<pid>\S+) "
                r"(?P<message_id>\S+) (?P<data>-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?P<message>.*)"
            ),
            "iso",
            "<34>1 2024-05-06T07:08:09.123Z web-1 sshd 4242 ID47 - Accepted password for alice",
        ),
    )
}
TIME_FIELD: Final = "timestamp"


def read_log(text: TextIO, log: LogFormat) -> Iterator[Table]:
    """Give the lines of a log in batches; lines of another form are unreadable rows."""
    names = tuple(log.line.groupindex)
    number = 0
    while lines := text.readlines(_CHUNK):
        table = Table(names)
        for line in lines:
            number += 1
            stripped = line.rstrip("\r\n")
            if not stripped.strip():
                continue
            found = log.line.fullmatch(stripped)
            if found is None:
                table.unreadable.append(Unreadable(number, f"no line of {log.name}, such as: {log.example}", stripped))
            else:
                table.rows.append(["" if cell in {None, "-"} else cell for cell in found.groups()])
                table.lines.append(number)
        yield table
