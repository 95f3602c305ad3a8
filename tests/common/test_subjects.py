"""What a ban is about is told by how it looks; an @ makes it a name."""

import pytest

from hubbub.common.fields import BanKind
from hubbub.common.subjects import typed_subject

KEY = "ab" * 32


@pytest.mark.parametrize(
    ("typed", "kind", "subject"),
    [
        ("Bob", "account", "Bob"),
        ("@Bob", "account", "Bob"),
        ("@192.0.2.1", "account", "192.0.2.1"),
        ("192.0.2", "account", "192.0.2"),
        (KEY.upper(), "key", KEY),
        (KEY[:-1], "account", KEY[:-1]),
        ("192.0.2.1", "address", "192.0.2.1"),
        ("2001:DB8::0:1", "address", "2001:db8::1"),
        ("192.0.2.0/24", "network", "192.0.2.0/24"),
        ("192.0.2.7/24", "network", "192.0.2.0/24"),
        ("2001:db8::/32", "network", "2001:db8::/32"),
        ("a/b", "account", "a/b"),
        ("192.0.2.0/99", "network", "192.0.2.0/99"),
        ("192.0.2/24", "network", "192.0.2/24"),
        ("2001:db8::/200", "network", "2001:db8::/200"),
    ],
)
def test_a_subject_is_what_it_looks_like(typed: str, kind: BanKind, subject: str) -> None:
    assert typed_subject(typed) == (kind, subject)
