"""Lets the desk's asserts show what differs."""

import pytest

pytest.register_assert_rewrite("tests.broker.core.desk")
