import ctypes

import pytest

from hubbub.common import zmq_setup
from hubbub.common.zmq_setup import ZmqUnusable, prepare_zmq


def test_an_old_libzmq_is_refused() -> None:
    with pytest.raises(ZmqUnusable, match=r"4\.3\.4 is too old"):
        zmq_setup._check((4, 3, 4), curve=True)


def test_a_libzmq_without_curve_is_refused() -> None:
    with pytest.raises(ZmqUnusable, match="no CURVE"):
        zmq_setup._check((4, 3, 5), curve=False)


def test_the_installed_libzmq_is_good_and_a_second_call_does_not_seed_again() -> None:
    prepare_zmq()
    rand = ctypes.CDLL(None).rand
    ctypes.CDLL(None).srand(7)
    first = rand()
    ctypes.CDLL(None).srand(7)
    prepare_zmq()
    assert rand() == first
