"""The yardstick: a bare ROUTER→XPUB relay in plain Python. It decodes each frame, acknowledges it, publishes it, and stores nothing.

Encrypted it asks for keys (ZAP) as a server must that wants to know its clients, and lets everybody in.

python -m bench.relay [--encrypted]     prints its endpoints and key as a line of JSON, serves until its stdin ends
"""

import json
import sys

import msgpack
import zmq

Socket = zmq.Socket[bytes]
FRAMES_A_TURN = 16


def serve(zap: Socket, commands: Socket, events: Socket) -> None:
    """Relay until stdin ends: [routing id][array of posts to one room] in; [routing id][array of one ack for all] and [room][the same frame] out."""
    poller = zmq.Poller()
    for socket in (zap, commands, events):
        poller.register(socket, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    seq = 0
    while True:
        ready = dict(poller.poll())
        if zap in ready:
            request = zap.recv_multipart()
            user = request[8].hex().encode()
            zap.send_multipart([*request[:4], b"200", b"", user, b""])
        if events in ready:
            events.recv()  # a subscription: libzmq has noted it
        if sys.stdin.fileno() in ready:
            return
        if commands not in ready:
            continue
        for _ in range(FRAMES_A_TURN):
            try:
                routing_id, payload = commands.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            posts = msgpack.unpackb(payload)
            room = posts[0]["room"]
            run = {"n": posts[0]["n"], "count": len(posts), "room": room, "seq": seq + 1}
            seq += len(posts)
            commands.send_multipart(
                [routing_id, msgpack.packb([{"type": "acked", **run}])], zmq.NOBLOCK
            )
            events.send_multipart([room, payload], zmq.NOBLOCK)


def main() -> None:
    """Open both sockets on free ports, say where they are, and serve."""
    context = zmq.Context()
    zap = context.socket(zmq.ROUTER)
    zap.bind("inproc://zeromq.zap.01")
    commands, events = context.socket(zmq.ROUTER), context.socket(zmq.XPUB)
    public, secret = zmq.curve_keypair() if "--encrypted" in sys.argv else (b"", b"")
    for socket in (commands, events):
        socket.backlog = 1024
        if secret:
            socket.zap_domain = b"bench"
            socket.curve_server = True
            socket.curve_secretkey = secret
        socket.bind("tcp://127.0.0.1:*")
    commands_at, events_at = (
        bytes(socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()
        for socket in (commands, events)
    )
    print(json.dumps([commands_at, events_at, public.decode()]), flush=True)
    serve(zap, commands, events)
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
