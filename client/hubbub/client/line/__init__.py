"""The line client: a chat on a terminal or a pipe, one plain line for everything that happens."""
