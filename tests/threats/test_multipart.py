"""Messages of many frames, of huge ones, and without an end: the sender is cut, and what the broker holds of them is bounded."""

import msgpack
import zmq
from tests.stranger import Stranger
from tests.threats.scene import monitored, post_works

from hubbub.common.limits import FRAME_UP_BYTES


def test_member_is_told_when_a_message_has_two_frames(alice: Stranger, mallory: Stranger) -> None:
    mallory.dealer.send_multipart([msgpack.packb([{"type": "ping", "id": 1}]), b"more"])
    assert mallory.wait_for("error")["code"] == "malformed"
    assert post_works(alice)


def test_member_is_cut_when_a_message_has_many_frames(alice: Stranger, mallory: Stranger) -> None:
    with monitored(mallory.dealer, zmq.EVENT_DISCONNECTED) as cut:
        mallory.dealer.send_multipart([b"x"] * 300)
        assert cut.poll(10_000)
    assert post_works(alice)


def test_member_is_cut_when_a_frame_is_huge(alice: Stranger, mallory: Stranger) -> None:
    with monitored(mallory.dealer, zmq.EVENT_DISCONNECTED) as cut:
        mallory.dealer.send(bytes(4 * FRAME_UP_BYTES))
        assert cut.poll(10_000)
    assert post_works(alice)
