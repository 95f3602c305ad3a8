"""Frames that are no commands, or bad ones: the sender gets a code, or is cut; nobody else notices."""

import msgpack
import pytest
from tests.stranger import Stranger
from tests.threats.scene import post_works

from hubbub.common.limits import FRAME_UP_BYTES


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "malformed"),
        (b"\xc1", "malformed"),
        (b"\x91", "malformed"),
        (b"\x90", "malformed"),
        (b"\x80", "malformed"),
        (msgpack.packb(7), "malformed"),
        (b"\xdd\xff\xff\xff\xff", "malformed"),
        (msgpack.packb([{"type": "ping", "id": 1}] * 513), "malformed"),
        (msgpack.packb([5]), "unknown_command"),
        (msgpack.packb([{"type": "ping"}]), "invalid"),
        (msgpack.packb([{"type": "ping", "id": "1"}]), "invalid"),
        (msgpack.packb([{"type": "ping", "id": 2**63}]), "invalid"),
        (msgpack.packb([{"type": "ping", "id": 1, "more": 1}]), "invalid"),
        (msgpack.packb([{"type": "post", "n": 0, "room": bytes(16), "text": ""}]), "invalid"),
        (b"\x91" * 2000, "malformed"),
        (bytes(FRAME_UP_BYTES + 1), "too_large"),
    ],
)
def test_member_gets_a_code_when_a_frame_is_wrong(
    alice: Stranger, mallory: Stranger, payload: bytes, code: str
) -> None:
    mallory.dealer.send(payload)
    assert mallory.wait_for("error")["code"] == code
    assert post_works(mallory)
    assert post_works(alice)
