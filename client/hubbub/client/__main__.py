"""`python -m hubbub.client` is `hubbub`."""

from hubbub.client.cli import main

main(prog_name="hubbub")
