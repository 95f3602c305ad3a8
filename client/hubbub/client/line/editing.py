"""The live part of the screen: the line being typed, what waits for its acknowledgement above it, and one line on how things stand below.

Owns keys and layout, as prompt-toolkit's objects. What is done with a typed line is its user's concern.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.clipboard import InMemoryClipboard
from prompt_toolkit.filters import Condition, Filter, has_completions
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import DummyHistory, InMemoryHistory
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
from prompt_toolkit.layout.processors import BeforeInput, PasswordProcessor
from prompt_toolkit.output import Output

from hubbub.client.line.completion import Completing, Vocabulary
from hubbub.client.line.verbs import without_secret

INPUT_ROWS: Final = 10
"""A longer text scrolls in its place."""
LEAST_ROWS: Final = 6
"""A lower terminal shows no line on how things stand."""


@dataclass(slots=True)
class Secret:
    """What is asked for unseen: where the answer is typed, and the question; None: there is none, and the line is typed as always."""

    buffer: Buffer
    question: str | None = None

    def ask(self, app: Application[None], line: Buffer, question: str | None) -> None:
        """Ask, or go back to the line. What was typed of it before the question came is taken for the beginning of the answer."""
        if self.question is None and question is not None and line.text:
            self.buffer.insert_text(line.text)
            line.reset()
        self.question = question
        if question is None:
            self.buffer.reset()
            app.clipboard = InMemoryClipboard()  # what was deleted while typing is in it
        app.layout.focus(line if question is None else self.buffer)
        app.invalidate()


def new_buffer(vocabulary: Vocabulary, typed: Callable[[str], None]) -> Buffer:
    """Return the text being edited; `typed` is called with each that Enter ends."""

    def accept(buffer: Buffer) -> bool:
        text = buffer.text
        if without_secret(text) != text:
            buffer.reset()  # before it would be put in the history
        typed(text)
        return False  # clear it

    return Buffer(
        completer=Completing(vocabulary),
        history=InMemoryHistory(),  # what was typed may be private: it ends with the chat
        accept_handler=accept,
        multiline=False,
    )


def secret_buffer(typed: Callable[[str], None]) -> Buffer:
    """Return the text of an answer that nobody may see: nothing completes or remembers it."""

    def accept(buffer: Buffer) -> bool:
        text = buffer.text
        buffer.reset()  # before the line editor would put it in its history
        typed(text)
        return False

    return Buffer(history=DummyHistory(), accept_handler=accept, multiline=False)


def new_application(
    buffer: Buffer,
    secret: Secret,
    waiting: Callable[[], StyleAndTextTuples],
    status: Callable[[], StyleAndTextTuples],
    leave: Callable[[], None],
    input: Input,
    output: Output,
) -> Application[None]:
    """Return the application that shows these, and calls `leave` on Ctrl-C and Ctrl-D."""
    asking = Condition(lambda: secret.question is not None)
    roomy = Condition(lambda: get_app().output.get_size().rows >= LEAST_ROWS)
    rows = HSplit(
        [
            ConditionalContainer(
                Window(FormattedTextControl(waiting), dont_extend_height=True, wrap_lines=True),
                Condition(lambda: bool(waiting())),
            ),
            *_input_rows(buffer, secret, asking),
            ConditionalContainer(
                Window(FormattedTextControl(lambda: _choices(buffer) or status()), height=1),
                roomy,
            ),
        ],
        align=VerticalAlign.TOP,
    )
    return Application(
        layout=Layout(rows, focused_element=buffer),
        key_bindings=_keys(leave, asking),
        erase_when_done=True,
        input=input,
        output=output,
    )


def _input_rows(buffer: Buffer, secret: Secret, asking: Filter) -> list[ConditionalContainer]:
    """Return where one types: the line, or in its place the answer that nobody may see."""
    line = Window(
        BufferControl(buffer),
        height=Dimension(min=1, max=INPUT_ROWS),
        dont_extend_height=True,
        wrap_lines=True,
    )
    masked = BufferControl(
        secret.buffer, [PasswordProcessor(), BeforeInput(lambda: secret.question or "")]
    )
    return [
        ConditionalContainer(line, ~asking),
        ConditionalContainer(Window(masked, height=1), asking),
    ]


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


def _keys(leave: Callable[[], None], asking: Filter) -> KeyBindings:
    keys = KeyBindings()

    @keys.add("c-c", filter=asking)
    @keys.add("c-d", filter=asking)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.reset()
        event.current_buffer.validate_and_handle()  # no answer

    @keys.add("tab", filter=~asking)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_next()
        else:
            buffer.start_completion(insert_common_part=True)

    @keys.add("s-tab", filter=has_completions)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_previous()

    @keys.add("escape", "enter", filter=~asking)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c", filter=~asking)
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            leave()

    @keys.add("c-d", filter=~asking & Condition(lambda: not get_app().current_buffer.text))
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
