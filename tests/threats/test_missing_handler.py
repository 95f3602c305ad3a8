"""The operator's mistake, or a libzmq that ignores an option: where keys are not checked, nobody gets in, and the broker does not start."""

import pytest
from tests.zmtp import Closed, KeyPair, Peer

from hubbub.broker.auth import Auth
from hubbub.broker.broker import Broker
from hubbub.broker.errors import SecurityError
from hubbub.broker.keys import KeyPair as BrokerKeys
from hubbub.broker.sockets import listen, open_sockets, port_of


@pytest.mark.parametrize("insecure", [False, True])
def test_broker_does_not_start_when_everybody_would_be_let_in(
    monkeypatch: pytest.MonkeyPatch, insecure: bool
) -> None:
    monkeypatch.setattr(Auth, "_decide", lambda *_: b"200")
    with pytest.raises(SecurityError, match="was let in"), Broker.temporary(insecure=insecure):
        pass


@pytest.mark.parametrize(("place", "kind"), [(0, "DEALER"), (1, "SUB")], ids=["commands", "events"])
def test_nobody_connects_where_nobody_checks_keys(place: int, kind: str) -> None:
    """Libzmq lets everybody in where there is no handler, unless the domain is enforced."""
    keys = KeyPair.new()
    sockets = open_sockets(BrokerKeys.from_secret(keys.secret), insecure=False)
    try:
        sockets.zap.close()
        port = port_of(listen((sockets.commands, sockets.events)[place], "127.0.0.1", None))
        with Peer(port) as peer, pytest.raises(Closed):
            peer.curve(keys.public, KeyPair.new(), kind)
    finally:
        sockets.close()
