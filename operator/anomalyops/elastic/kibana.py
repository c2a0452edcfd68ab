"""Making jobs visible in Kibana: its machine learning saved objects follow the server's jobs on request.

Source: Kibana API reference, "Sync machine learning saved objects", `GET /api/ml/saved_objects/sync`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from elastic_transport import HttpHeaders, TransportError

from anomalyops.elastic.errors import GatewayError, NotAnElasticsearch
from anomalyops.elastic.keeping_back import AskingNode, keeping_back
from anomalyops.elastic.rest import Endpoint, node_configs
from anomalyops.elastic.translate import from_answer, from_exception
from anomalyops.fencing import Guard, free

_API_VERSION = "2023-10-31"  # the public API version that Kibana 8.x and 9.x serve


async def sync_saved_objects(endpoint: Endpoint, *, guard: Guard = free) -> dict[str, Any]:
    """Asks Kibana to create and delete the saved objects of ML jobs so that they match the server.

    Args:
        endpoint: A connection with `kibana_url`; its credentials need all privileges of Kibana's ML feature.
        guard: Says whether something may be changed now.

    Returns:
        Kibana's answer: `savedObjectsCreated`, `savedObjectsDeleted`, `datafeedsAdded`, `datafeedsRemoved`.

    Raises:
        ValueError: The endpoint names no Kibana.
        GatewayError: Kibana could not be reached or refused.
    """
    if endpoint.kibana_url is None:
        raise ValueError("the connection names no Kibana: set spec.kibana.url")
    space = endpoint.kibana_space
    prefix = f"/s/{quote(space, safe='')}" if space and space != "default" else ""
    target = f"{prefix}/api/ml/saved_objects/sync"
    call = f"GET {target} of Kibana"
    headers = HttpHeaders({"accept": "application/json", "kbn-xsrf": "anomalyops", "elastic-api-version": _API_VERSION})
    authorization = endpoint.credentials.authorization() if endpoint.credentials else None
    if authorization:
        headers["authorization"] = authorization
    node = AskingNode(node_configs(endpoint, [endpoint.kibana_url])[0])
    try:
        with keeping_back(guard, call):
            answer = await node.perform_request(
                "GET", target, headers=headers, request_timeout=endpoint.request_timeout
            )
    except TransportError as error:
        raise from_exception(error, call=call) from None
    finally:
        await node.close()
    return _body(answer.meta.status, answer.body, call)


def _body(status: int, raw: bytes, call: str) -> dict[str, Any]:
    try:
        body: Any = json.loads(raw) if raw else {}
    except ValueError:
        raise NotAnElasticsearch(
            "the answer is not JSON; is this the URL of Kibana?", call=call, status=status
        ) from None
    if status == 200 and isinstance(body, dict):
        return body
    message = body.get("message") if isinstance(body, dict) else None
    problem: GatewayError = from_answer(status, {"error": message or f"HTTP {status}"}, call=call)
    raise problem
