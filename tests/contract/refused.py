"""What a call of the official client is refused with."""

import pytest
from elasticsearch import ApiError


def refusal(call, *args, **kwargs):
    """Return the status, the type and the reason of the error that a call must give."""
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    body = caught.value.body
    assert body["status"] == caught.value.status_code
    assert body["error"]["root_cause"][0]["type"]
    return caught.value.status_code, body["error"]["type"], body["error"]["reason"]
