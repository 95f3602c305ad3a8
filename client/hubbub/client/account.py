"""`Client.account`: one's own name, and the devices that may use it."""

from hubbub.client import orders
from hubbub.client.calling import Calling
from hubbub.client.checks import check_password
from hubbub.client.results import Device, LinkCode
from hubbub.common.commands import Devices, Link, RemoveDevice, SetPassword


class Account:
    """What one does with one's own name. Every call waits, as those of `Client` do, and raises as they do."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling

    def set_password(self, password: str, *, timeout: float | None = None) -> None:
        """Let the name be used from other devices by a password of at most 256 characters. Raises WeakPassword with advice if it is easily guessed."""
        check_password(password)
        self._calling.call(orders.order, SetPassword(0, password=password), timeout=timeout)

    def link(self, *, timeout: float | None = None) -> LinkCode:
        """Make a code by which one other device may use the name, once; one made before is good no longer."""
        made: LinkCode = self._calling.call(orders.order, Link(0), timeout=timeout)
        return made

    def devices(self, *, timeout: float | None = None) -> list[Device]:
        """Return the keys that may use the name."""
        listed: list[Device] = self._calling.call(orders.order, Devices(0), timeout=timeout)
        return listed

    def remove_device(self, number: int, *, timeout: float | None = None) -> None:
        """Let a device, by its number in `devices`, use the name no longer; its sessions end at once, this one too if it is its device."""
        self._calling.call(orders.order, RemoveDevice(0, device=number), timeout=timeout)
