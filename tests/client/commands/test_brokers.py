"""What is said of a broker that announces itself."""

import pytest

from hubbub.client.announcements import Found
from hubbub.client.commands.brokers import caution
from hubbub.common.addresses import Address

HERE = Address("192.0.2.7", 5000)


@pytest.mark.parametrize(
    ("pins", "said"),
    [
        ({}, "lab"),
        ({Address("192.0.2.7", 5003): "abcd"}, "lab"),
        ({HERE: "abcd"}, "lab, known here"),
        ({HERE: "wxyz"}, "lab, NOT THE KEY KNOWN HERE"),
    ],
)
def test_a_found_broker_is_compared_with_the_one_known_at_its_address(
    pins: dict[Address, str], said: str
) -> None:
    assert caution(Found("lab", HERE, "abcd"), pins) == said
