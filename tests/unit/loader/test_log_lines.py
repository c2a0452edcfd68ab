"""Logs whose form is known: each line is a row or is named."""

import pytest
from reading import read

from anomalyops.loader import LoadError
from anomalyops.loader.loading import FileFormat, FileOptions
from anomalyops_reading.log_lines import LOG_FORMATS
from anomalyops_reading.timestamps import TimeOptions, parse_date


def load(tmp_path, kind, text, **given):
    path = tmp_path / "a.log"
    path.write_text(text)
    return read(path, time_field="", options=FileOptions(format=FileFormat(kind)), **given)


@pytest.mark.parametrize("kind", sorted(LOG_FORMATS))
def test_the_example_of_each_format_is_a_line_of_it(tmp_path, kind):
    text = f"{LOG_FORMATS[kind].example}\nsomething else\n"
    found = load(tmp_path, kind, text, time=TimeOptions(date=parse_date("2024")))
    assert len(found.documents) == 1
    assert found.documents[0]["timestamp"].startswith("2024-05-06T07:08:09")
    assert found.reasons == [(2, f"no line of {kind}, such as: {LOG_FORMATS[kind].example}")]


def test_access_logs(tmp_path):
    text = (
        '10.0.0.1 - alice [06/May/2024:07:08:09 +0200] "GET /a?b=\\"c\\" HTTP/1.1" 404 - "-" "Mozilla/5.0 (X)" 0.250\n'
        '::1 - - [06/May/2024:07:08:10 +0200] "\\x16\\x03\\x01" 400 226\n'
    )
    found = load(tmp_path, "nginx", text)
    assert found.documents == [
        {
            "client": "10.0.0.1", "user": "alice", "timestamp": "2024-05-06T07:08:09+02:00", "method": "GET",
            "path": '/a?b=\\"c\\"', "protocol": "HTTP/1.1", "status": 404, "user_agent": "Mozilla/5.0 (X)",
            "request_time": 0.25,
        },
        {
            "client": "::1", "timestamp": "2024-05-06T07:08:10+02:00", "request": "\\x16\\x03\\x01", "status": 400,
            "bytes": 226,
        },
    ]  # fmt: skip


def test_syslog_needs_its_year(tmp_path):
    with pytest.raises(LoadError, match="has no year: --date YYYY"):
        load(tmp_path, "syslog", "May  6 07:08:09 web sshd[1]: hello\n")
