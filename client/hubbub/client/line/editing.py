"""The live part of the screen: the line being typed, what waits for its acknowledgement above it, and one line on how things stand below.

Owns keys and layout, as prompt-toolkit's objects. What is done with a typed line is its user's concern.
"""

from collections.abc import Callable
from typing import Final

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, has_completions
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    VerticalAlign,
    Window,
)
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output import Output

from hubbub.client.line.completion import Completing, Vocabulary

INPUT_ROWS: Final = 10
"""A longer text scrolls in its place."""
LEAST_ROWS: Final = 6
"""A lower terminal shows no line on how things stand."""


def new_buffer(vocabulary: Vocabulary, typed: Callable[[str], None]) -> Buffer:
    """Return the text being edited; `typed` is called with each that Enter ends."""

    def accept(buffer: Buffer) -> bool:
        typed(buffer.text)
        return False  # clear it

    return Buffer(
        completer=Completing(vocabulary),
        history=InMemoryHistory(),  # what was typed may be private: it ends with the chat
        accept_handler=accept,
        multiline=False,
    )


def new_application(
    buffer: Buffer,
    waiting: Callable[[], StyleAndTextTuples],
    status: Callable[[], StyleAndTextTuples],
    leave: Callable[[], None],
    input: Input,
    output: Output,
) -> Application[None]:
    """Return the application that shows these three, and calls `leave` on Ctrl-C and Ctrl-D."""
    roomy = Condition(lambda: get_app().output.get_size().rows >= LEAST_ROWS)
    rows = HSplit(
        [
            ConditionalContainer(
                Window(FormattedTextControl(waiting), dont_extend_height=True, wrap_lines=True),
                Condition(lambda: bool(waiting())),
            ),
            Window(
                BufferControl(buffer),
                height=Dimension(min=1, max=INPUT_ROWS),
                dont_extend_height=True,
                wrap_lines=True,
            ),
            ConditionalContainer(
                Window(FormattedTextControl(lambda: _choices(buffer) or status()), height=1),
                roomy,
            ),
        ],
        align=VerticalAlign.TOP,
    )
    return Application(
        layout=Layout(rows),
        key_bindings=_keys(leave),
        erase_when_done=True,
        input=input,
        output=output,
    )


def _choices(buffer: Buffer) -> StyleAndTextTuples:
    """What Tab offers, in place of the status."""
    state = buffer.complete_state
    if state is None:
        return []
    shown: StyleAndTextTuples = []
    first = max(0, (state.complete_index or 0) - 2)
    for index, completion in enumerate(state.completions[first:], first):
        style = "reverse" if index == state.complete_index else "dim"
        shown += [(style, completion.display_text), ("", "  ")]
    return shown


def _keys(leave: Callable[[], None]) -> KeyBindings:
    keys = KeyBindings()

    @keys.add("tab")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_next()
        else:
            buffer.start_completion(insert_common_part=True)

    @keys.add("s-tab", filter=has_completions)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_previous()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            leave()

    @keys.add("c-d", filter=Condition(lambda: not get_app().current_buffer.text))
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        leave()

    @keys.add("c-l")
    def _(event: KeyPressEvent) -> None:
        event.app.renderer.clear()

    @keys.add("c-z")
    def _(event: KeyPressEvent) -> None:
        event.app.suspend_to_background()

    return keys
