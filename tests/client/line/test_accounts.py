"""What becomes of a new password as it was typed, or pasted."""

import io

import pytest
from tests.client.watching import Enter

from hubbub.client.line import actions
from hubbub.client.line.accounts import Accounts
from hubbub.client.line.lines import Line
from hubbub.client.line.terminal import Terminal, TypedLines
from hubbub.common.errors import HubbubError

PASSWORD = "correct horse battery staple"


@pytest.fixture
def accounts(enter: Enter) -> Accounts:
    shown: list[Line] = []
    terminal = Terminal(TypedLines(0), io.StringIO(), io.StringIO(), interactive=False)
    accounts = Accounts(enter("Alice"), terminal, str, shown.append)
    accounts.carry_out(actions.ChangePassword())
    return accounts


def test_a_password_pasted_with_its_lines_end_is_that_without(
    accounts: Accounts, enter: Enter
) -> None:
    for _ in range(2):
        accounts.answer(f"{PASSWORD}\n")
    assert not accounts.is_asking
    assert not enter("Alice", home="phone", password=PASSWORD).created


def test_a_password_that_cannot_be_typed_elsewhere_is_refused(accounts: Accounts) -> None:
    accounts.answer("correct horse\nbattery staple")
    with pytest.raises(HubbubError, match="one line of what can be typed"):
        accounts.answer("correct horse\nbattery staple")
    assert not accounts.is_asking
