"""The engine as one side of the bench."""

from __future__ import annotations

from judge.cases import Request
from judge.wire import HttpServer


class EngineServer(HttpServer):
    """An engine that is emptied of its jobs, too."""

    def reset(self) -> None:
        """Delete every datafeed, job and index."""
        for kind, key, name in (("datafeeds", "datafeeds", "datafeed_id"), ("anomaly_detectors", "jobs", "job_id")):
            found = self.ask(Request("GET", f"/_ml/{kind}"))
            for one in found.body.get(key, ()):
                self.ask(Request("DELETE", f"/_ml/{kind}/{one[name]}?force=true"))
        super().reset()
