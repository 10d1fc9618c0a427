"""Scripts for shells, made from the flags of each command."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tf_style.cli.main import COMMANDS


class Flag(NamedTuple):
    """A flag: its name, help, the words its value may be, whether it may be a file too, and whether it has a value."""

    name: str
    help: str
    words: tuple[str, ...] = ()
    files: bool = True
    takes_value: bool = True


def _bash(known: dict[str, list[Flag]]) -> str:
    values: dict[tuple[tuple[str, ...], bool], list[str]] = {}
    for command, own in known.items():
        for flag in own:
            if flag.takes_value and (flag.words or not flag.files):
                values.setdefault((flag.words, flag.files), []).append(f"{command}:--{flag.name}")
    without_value = {f"--{flag.name}" for own in known.values() for flag in own if not flag.takes_value}
    names = [
        f"  {command}) names='{' '.join(f'--{flag.name}' + '=' * flag.takes_value for flag in own)}' ;;"
        for command, own in known.items()
    ]
    choices = [
        f"  {'|'.join(where)}) words='{' '.join(words)}' files={'yes' * files} ;;"
        for (words, files), where in values.items()
    ]
    return _BASH.format(
        commands=" ".join(COMMANDS),
        shells=" ".join(SHELLS),
        names="\n".join(names),
        choices="\n".join(choices),
        without_value="|".join(sorted(without_value)),
    )


def _zsh(known: dict[str, list[Flag]]) -> str:
    def spec(flag: Flag) -> str:
        text = "".join(f"\\{letter}" if letter in "[]:\\" else letter for letter in flag.help)
        if not flag.takes_value:
            return _quoted(f"--{flag.name}[{text}]")
        action = f"compadd -- {' '.join(flag.words)}; " if flag.words else ""
        action = f"{{{action}{'_files' if flag.files else ''}}}"
        return _quoted(f"--{flag.name}=[{text}]:{flag.name}:{action}")

    cases = []
    for name, own in known.items():
        rest = _quoted(f"*:file:{_FILES.get(name, '_files')}")
        cases.append(f"  {name}) _arguments {' '.join(map(spec, own))} {rest} ;;")
    described = " ".join(_quoted(f"{name}:{text}") for name, text in COMMANDS.items())
    return _ZSH.format(described=described, cases="\n".join(cases))


def _fish(known: dict[str, list[Flag]]) -> str:
    where: dict[Flag, list[str]] = {}
    for command, own in known.items():
        for flag in own:
            where.setdefault(flag, []).append(command)
    lines = ["# fish completion for tf-style"]
    for name, text in COMMANDS.items():
        lines.append(f"complete -c tf-style -n __fish_use_subcommand -f -a {name} -d {_fish_quoted(text)}")
    shells = _fish_quoted(" ".join(SHELLS))
    lines.append(f"complete -c tf-style -n '__fish_seen_subcommand_from completion' -f -a {shells}")
    for flag, names in where.items():
        value = f" -r{' -F' if flag.files else ' -f'}" if flag.takes_value else ""
        words = f" -a {_fish_quoted(' '.join(flag.words))}" if flag.words else ""
        lines.append(
            f"complete -c tf-style -n '__fish_seen_subcommand_from {' '.join(names)}' -l {flag.name}{value}{words} "
            f"-d {_fish_quoted(flag.help)}"
        )
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: dict[str, Callable[[dict[str, list[Flag]]], str]] = {
    "bash": _bash, "zsh": _zsh, "fish": _fish,
}  # fmt: skip
#: Commands whose arguments are not files -> what zsh does instead.
_FILES = {"completion": f"({' '.join(SHELLS)})", "presets": " ", "doctor": " "}

_BASH = r"""# bash completion for tf-style
_tf_style() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}}
  local flag= names= words= files=yes
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '{commands}' -- "$current"))
    return
  fi
  if [[ $current == '=' ]]; then  # readline makes three words of --flag=value
    flag=$before current=
  elif [[ $before == '=' ]]; then
    flag=${{COMP_WORDS[COMP_CWORD - 2]}}
  elif [[ $before == --* && $current != --* ]]; then
    case $before in
    {without_value}) ;;
    *) flag=$before ;;
    esac
  fi
  case $command in
{names}
  esac
  if [[ -z $flag && $current == -* ]]; then
    COMPREPLY=($(compgen -W "$names" -- "$current"))
    [[ ${{#COMPREPLY[@]}} == 1 && ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace 2>/dev/null
    return
  fi
  case $command:$flag in
{choices}
  completion:) words='{shells}' files= ;;
  esac
  [[ -n $words ]] && COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -F _tf_style tf-style"""

_ZSH = r"""#compdef tf-style
# zsh completion for tf-style
_tf_style() {{
  if (( CURRENT == 2 )); then
    local -a commands=({described})
    _describe command commands
    return
  fi
  case $words[2] in
{cases}
  esac
}}
if [[ $funcstack[1] == _tf-style ]]; then
  _tf_style
else
  compdef _tf_style tf-style
fi"""
