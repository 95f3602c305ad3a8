"""What a client refuses before sending, with the same exceptions that the broker's codes would give. Pure."""

from copy import deepcopy

from hubbub.client.errors import BadCode, BadName, BadText, RequestError, TooLarge
from hubbub.common.codec import array, check_data, decode_commands, encode
from hubbub.common.codes import normalise
from hubbub.common.commands import Query
from hubbub.common.errors import Code, InvalidCode, InvalidName, WireError
from hubbub.common.fields import Data, snake_case
from hubbub.common.limits import (
    AWAY_BYTES,
    DATA_BYTES,
    DESCRIPTION_BYTES,
    DEVICE_LABEL_CHARACTERS,
    KIB,
    MAX_NUMBER,
    PASSWORD_CHARACTERS,
    REASON_CHARACTERS,
    RESTRAINT_SECONDS,
    TEXT_BYTES,
)
from hubbub.common.names import canonical


def check_name(name: str) -> str:
    """Return the name as the broker will write it. Raises BadName."""
    try:
        return canonical(name)
    except InvalidName as error:
        raise BadName(Code.BAD_NAME, str(error)) from None


def check_message(text: str, action: bool) -> None:
    """Raises TooLarge, BadText for what is no Unicode text (lone surrogates), or TypeError."""
    if not isinstance(action, bool):
        raise TypeError(f"action is a bool, not {type(action).__name__}")
    if _bytes(text) > TEXT_BYTES:
        raise TooLarge(Code.TOO_LARGE, f"a message has at most {TEXT_BYTES // KIB} KiB of text")


def check_span(before: int | None, after: int | None) -> None:
    """Raises TypeError or ValueError for what is no seq."""
    for name, seq in (("before", before), ("after", after)):
        if seq is not None:
            check_seq(seq, name)


def check_seq(seq: int, name: str = "seq") -> None:
    """Raises TypeError or ValueError for what is no seq."""
    if not isinstance(seq, int):
        raise TypeError(f"{name} is an int, not {type(seq).__name__}")
    if not 0 <= seq <= MAX_NUMBER:
        raise ValueError(f"{name} is a seq, 0 or more, not {seq}")


def check_away(text: str) -> str:
    """Return what one says of being away with what parts its lines made spaces. Raises TooLarge, BadText for what is no Unicode text, or TypeError."""
    line = _one_line(text)
    if _bytes(line) > AWAY_BYTES:
        raise TooLarge(
            Code.TOO_LARGE, f"what one says of being away has at most {AWAY_BYTES} bytes"
        )
    return line


def check_description(text: str) -> None:
    """Raises TooLarge, or BadText for what is no Unicode text."""
    if _bytes(text) > DESCRIPTION_BYTES:
        raise TooLarge(Code.TOO_LARGE, f"a description has at most {DESCRIPTION_BYTES} bytes")


def check_password(text: str) -> None:
    """Raises TooLarge, BadText for what is no Unicode text, or TypeError. None of them holds the password."""
    _bytes(text)
    if len(text) > PASSWORD_CHARACTERS:
        raise TooLarge(Code.TOO_LARGE, f"a password has at most {PASSWORD_CHARACTERS} characters")


def check_code(code: str) -> str:
    """Return the letters of a code as it was typed. Raises BadCode if it cannot be one, or TypeError."""
    _check_text(code)
    try:
        return normalise(code)
    except InvalidCode as error:
        raise BadCode(Code.BAD_CODE, str(error)) from None


def device_label(text: str) -> str:
    """Return what a device is to be called: cut, and with `?` for what is no Unicode, as the name of a machine may have. Raises TypeError."""
    _check_text(text)
    return text.encode(errors="replace").decode()[:DEVICE_LABEL_CHARACTERS]


def check_command(command: Query) -> None:
    """Raises RequestError for what no broker takes, since a field of it is of another type or out of its bounds. The text repeats no secret."""
    try:
        [found] = decode_commands(array([encode(command)]))
    except (OverflowError, TypeError, UnicodeEncodeError):
        text = f"{snake_case(type(command).__name__)} holds what cannot be sent"
        raise RequestError(Code.INVALID, text) from None
    except WireError as error:
        raise RequestError(error.code, str(error)) from None
    if isinstance(found, WireError):
        raise RequestError(found.code, str(found))


def check_reason(text: str) -> str:
    """Return a reason with what parts its lines made spaces. Raises TooLarge, BadText for what is no Unicode text, or TypeError."""
    line = _one_line(text)
    if len(line) > REASON_CHARACTERS:
        raise TooLarge(Code.TOO_LARGE, f"a reason has at most {REASON_CHARACTERS} characters")
    return line


def check_seconds(seconds: int, *, least: int = 0, most: int = RESTRAINT_SECONDS) -> None:
    """Raises TypeError or ValueError for what is no number of seconds within these bounds."""
    if not isinstance(seconds, int):
        raise TypeError(f"seconds are an int, not {type(seconds).__name__}")
    if not least <= seconds <= most:
        raise ValueError(f"seconds are {least} to {most}, not {seconds}")


def _one_line(text: str) -> str:
    """Return a text with what parts its lines made spaces. Raises BadText for what is no Unicode text, or TypeError."""
    _bytes(text)
    return " ".join(text.split())


def _check_text(text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"a text is a str, not {type(text).__name__}")


def _bytes(text: str) -> int:
    _check_text(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise BadText(Code.BAD_TEXT, "the text is not valid Unicode") from None


def own_data(data: Data | None) -> Data | None:
    """Return a copy of `data`, so that its owner may change it at once. Raises TooLarge, or RequestError where it cannot be sent."""
    if data is None:
        return None
    if not isinstance(data, dict):
        raise TypeError(f"the data of a message is a dict, not {type(data).__name__}")
    try:
        size = check_data(data)
    except WireError as error:
        raise RequestError(error.code, str(error)) from None
    if size > DATA_BYTES:
        raise TooLarge(
            Code.TOO_LARGE, f"the data of a message has at most {DATA_BYTES // KIB} KiB encoded"
        )
    return deepcopy(data)
