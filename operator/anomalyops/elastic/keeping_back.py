"""Calls that change something, sent only while a guard agrees, over the official client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from elastic_transport import AiohttpHttpNode, TransportError

from anomalyops.elastic.errors import KeptBack
from anomalyops.fencing import Guard, KeptBackError, guarded, tracing


class AskingNode(AiohttpHttpNode):
    """A node whose session asks the guard once more when a connection is there and nothing was sent yet."""

    def _create_aiohttp_session(self) -> None:
        super()._create_aiohttp_session()
        config = tracing()
        config.freeze()
        if self.session is not None:
            self.session.trace_configs.append(config)


@contextmanager
def keeping_back(guard: Guard, call: str) -> Iterator[None]:
    """Within the block, calls are sent only while the guard agrees.

    Args:
        guard: Says why nothing may be changed now; empty when it may.
        call: Method and path, for the message.

    Raises:
        KeptBack: It did not agree.
    """
    try:
        with guarded(guard) as question:
            try:
                yield
            except TransportError:
                if question.refusal:
                    raise KeptBackError(question.refusal) from None
                raise
    except KeptBackError as error:
        raise KeptBack(str(error), call=call) from None
