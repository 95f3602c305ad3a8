"""The operator's mistake, or a libzmq that ignores an option: where keys are not checked, nobody gets in, and the broker does not start."""

import pytest

from hubbub.broker.auth import Auth
from hubbub.broker.broker import Broker
from hubbub.broker.errors import SecurityError


@pytest.mark.parametrize("insecure", [False, True])
def test_broker_does_not_start_when_everybody_would_be_let_in(
    monkeypatch: pytest.MonkeyPatch, insecure: bool
) -> None:
    monkeypatch.setattr(Auth, "_decide", lambda *_: b"200")
    with pytest.raises(SecurityError, match="was let in"), Broker.temporary(insecure=insecure):
        pass
