"""`hubbub completion`: what teaches a shell to complete what one types for our two programs."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from hubbub.client.commands import options

PROGRAMS: Final = ("hubbub", "hubbub-broker")

_COLONS: Final = """
# Bash ends words at colons, and addresses have some: let words end at spaces, and give bash what stands behind the last colon.
FUNCTION_words() {
    local typed=${COMP_LINE:0:COMP_POINT}
    local last=${typed##* }
    local -a COMP_WORDS
    read -ra COMP_WORDS <<< "$typed"
    local COMP_CWORD=${#COMP_WORDS[@]}
    [[ -n $last ]] && COMP_CWORD=$((COMP_CWORD - 1))
    FUNCTION "$@"
    [[ $last == *:* ]] && COMPREPLY=("${COMPREPLY[@]#"${last%:*}:"}")
}
complete -o nosort -F FUNCTION_words PROGRAM
"""

_EPILOG: Final = """\b
To install, once; a new shell has it:
  hubbub completion bash >> ~/.bashrc
  hubbub completion zsh > "${fpath[1]}/_hubbub"
  hubbub completion fish > ~/.config/fish/completions/hubbub.fish"""


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.argument("program", metavar="[PROGRAM]", type=click.Choice(PROGRAMS), default=PROGRAMS[0])
def completion(shell: str, program: str) -> None:
    """Print a script for completion.

    With it, Tab completes commands, options and the addresses of brokers that you know. PROGRAM is `hubbub`, if nothing is said, or `hubbub-broker`.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    # It is the program itself that completes: the script needs no more of it than its name.
    variable = f"_{program.replace('-', '_')}_COMPLETE".upper()
    complete = kind(click.Command(program), {}, program, variable)
    click.echo(complete.source())
    if shell == "bash":
        function = complete.func_name
        click.echo(_COLONS.replace("FUNCTION", function).replace("PROGRAM", program))
