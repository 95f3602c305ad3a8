"""An outbox file that fails under a client: what could not be kept was never sent, and whoever wrote it hears so. A real broker."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.client.watching import no_pump_is_left

from hubbub.broker.broker import Broker
from hubbub.client import Client, Closed, OutboxUnusable
from hubbub.client.outbox_file import OutboxFile


def fill(client: Client) -> None:
    """Let the file grow no more."""
    file = client._pump._outbox
    assert file is not None
    file._database.execute("PRAGMA max_page_count = 1")


def fail(file: OutboxFile) -> None:
    raise OutboxUnusable("no space")


def post(client: Client, count: int) -> None:
    for _ in range(count):
        client.post_nowait("lobby", "x" * 3000)


@pytest.mark.parametrize("when", ["writing", "committing"])
def test_post_nowait_does_not_return_for_what_is_not_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    with Broker.temporary() as broker:
        address = str(broker.address)
        chat = Client(address, name="Bot", home=tmp_path, outbox=tmp_path / "outbox")
        assert chat.post("lobby", "kept") == 1
        if when == "writing":
            fill(chat)
        else:
            monkeypatch.setattr(OutboxFile, "commit", fail)
        with pytest.raises(Closed) as closed:
            post(chat, 10 if when == "writing" else 1)
        assert isinstance(closed.value.__cause__, OutboxUnusable)
        chat.close()
        monkeypatch.undo()
        with Client(address, name="Bot", home=tmp_path, outbox=tmp_path / "outbox") as again:
            assert "kept" in [message.text for message in again.history("lobby")]
    assert no_pump_is_left()


def test_a_client_that_cannot_begin_closes_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    close = OutboxFile.close

    def close_and_tell(file: OutboxFile) -> None:
        closed.append(file)
        close(file)

    def no_more_threads(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Broker.temporary() as broker:
        address = str(broker.address)
        with Client(address, name="Bot", home=tmp_path):
            pass
        monkeypatch.setattr(OutboxFile, "close", close_and_tell)
        monkeypatch.setattr(threading.Thread, "start", no_more_threads)
        try:
            with pytest.raises(RuntimeError, match="new thread"):
                Client(address, name="Bot", home=tmp_path, outbox=tmp_path / "outbox")
        finally:
            monkeypatch.undo()
    assert len(closed) == 1


def test_callbacks_of_two_clients_may_write_with_each_other(tmp_path: Path) -> None:
    left, done = list(range(300)), threading.Event()

    with Broker.temporary() as broker, ExitStack() as stack:

        def enter(name: str) -> Client:
            file, home = tmp_path / f"outbox of {name}", tmp_path / name
            client = Client(str(broker.address), name=name, home=home, outbox=file)
            return stack.enter_context(client)

        def answer(sender: Client, other: Client) -> None:
            if left:
                left.pop()
                sent = sender.post_nowait("lobby", "hi")
                sent.add_done_callback(lambda _: answer(other, sender))
            else:
                done.set()

        alice, bob = enter("Alice"), enter("Bob")

        def begin_all() -> None:
            for _ in range(5):
                answer(alice, bob)
                answer(bob, alice)

        begin = threading.Thread(target=begin_all, daemon=True)
        begin.start()
        assert done.wait(10)
        begin.join(5)
        for client in (alice, bob):
            client.flush()
