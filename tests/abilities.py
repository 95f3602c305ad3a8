"""What a machine must be able to do for some tests. Whether it can is asked of the system, never of our code.

A test whose machine cannot is skipped with the reason. In CI, loopback is as it always is on Linux, so there a lack of multicast fails the test
instead of hiding it; a machine may have no IPv6, but then the kernel says so.
"""

import errno
import os
import socket
import subprocess
from pathlib import Path

import pytest

_MDNS = socket.inet_aton("224.0.0.251")
_LOOPBACK = socket.inet_aton("127.0.0.1")


def need_ipv6() -> None:
    """Skip the test if this machine has no ::1."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        pytest.skip(f"this machine has no IPv6: {error.strerror}")


def need_multicast() -> None:
    """Skip the test if what is sent to mDNS's group on loopback is not heard there; in CI, fail it."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("", 0))
            probe.settimeout(2)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _MDNS + _LOOPBACK)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _LOOPBACK)
            probe.sendto(b"?", ("224.0.0.251", probe.getsockname()[1]))
            probe.recv(1)
    except OSError as error:
        reason = f"no multicast on loopback: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def need_names(hosts: Path) -> tuple[str, ...]:
    """Return what stands before a command that is to know the names in this file instead of the machine's own; skip the test where only root may do so."""
    world = (
        *("unshare", "--map-root-user", "--mount", "/bin/sh", "-c"),
        'mount --bind "$0" /etc/hosts && exec "$@"',
        str(hosts),
    )
    try:
        subprocess.run([*world, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no hosts file of one's own here: {error}")
    return world


one_network = pytest.mark.usefixtures("one_network")
"""For tests that announce or search: they would hear each other."""
