"""The managing tools for assistants: the plan first, and what it says only when it is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anomalyops.cli.managing_view import managed_document
from anomalyops.elastic import Credentials, GatewayError
from anomalyops.local.connections import open_gateway
from anomalyops.local.errors import LocalError
from anomalyops.local.managing import look, perform, read
from anomalyops.plan.managing import ManagingTool, managing_tools
from anomalyops.resources import ElasticsearchConnection

if TYPE_CHECKING:
    from anomalyops_insight.serving import Changing


def names() -> tuple[str, ...]:
    """What changes something."""
    return tuple(tool.name for tool in managing_tools())


def changing(connection: ElasticsearchConnection, credentials: Credentials | None) -> tuple[Changing, ...]:
    """The managing tools over one connection."""
    return tuple(_changing(tool, connection, credentials) for tool in managing_tools())


def _changing(
    tool: ManagingTool[Any], connection: ElasticsearchConnection, credentials: Credentials | None
) -> Changing:
    from anomalyops_insight.errors import BadRequestError
    from anomalyops_insight.serving import Changing

    async def run(values: Mapping[str, Any], confirmed: bool) -> dict[str, Any]:  # noqa: FBT001 - as it is called
        try:
            wanted = read(tool, values)
            async with open_gateway(connection, credentials) as gateway:
                looked = await look(gateway, tool, wanted)
                plan = looked.managed.plan
                possible = bool(plan.steps) and not looked.managed.patches and not plan.obstacles
                if confirmed and possible:
                    await perform(gateway, wanted, looked, lambda _: None)
        except (LocalError, GatewayError) as error:
            raise BadRequestError(str(error)) from error
        return managed_document(tool, values, looked.managed, done=confirmed and possible)

    return Changing(tool.name, tool.when, tool.parameters.model_json_schema(), run)
