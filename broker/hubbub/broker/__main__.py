"""`python -m hubbub.broker` is `hubbub-broker`."""

from hubbub.broker.cli import main

main(prog_name="hubbub-broker")
