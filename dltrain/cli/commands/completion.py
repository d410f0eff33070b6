"""`dltrain completion SHELL`: what a shell needs to complete the words of `dltrain`."""

from __future__ import annotations

from typing import Annotated

from dltrain.cli.commands import SHELLS
from dltrain.cli.console import Console
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError
from dltrain.wording import did_you_mean

BASH = """_dltrain() {
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}"
    COMPREPLY=($(dltrain completion words bash "$line" 2>/dev/null))
}
complete -o nosort -o nospace -o default -F _dltrain dltrain
"""
ZSH = """#compdef dltrain
_dltrain() {
    local -a found
    found=("${(@f)$(dltrain completion words zsh "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n "$found" ]] && compadd -U -S '' -- $found || _files
}
compdef _dltrain dltrain
"""
FISH = """function __dltrain_words
    set -l found (dltrain completion words fish (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c dltrain -f -a '(__dltrain_words)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def command(
    context: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", hidden=True)],
) -> None:
    """Print what bash, zsh or fish needs to complete commands, runs, data sets, keys of a config and names of components.

    \b
    bash: dltrain completion bash > ~/.local/share/bash-completion/completions/dltrain
    zsh:  dltrain completion zsh > "${fpath[1]}/_dltrain"
    fish: dltrain completion fish > ~/.config/fish/completions/dltrain.fish
    """
    console: Console = context.obj
    if shell not in SCRIPTS:
        raise UsageError(f"there is no completion for {shell!r}", hint=did_you_mean(shell, SHELLS) or "bash, zsh, fish")
    console.document({"status": "finished", "shell": shell, "script": SCRIPTS[shell]})
    console.verbatim(SCRIPTS[shell])
