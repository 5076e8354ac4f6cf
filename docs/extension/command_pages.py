"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import re
from pathlib import Path

import click

from extension.files import write_if_changed
from extension.markdown import plain_text, table
from qktheory.cli.program import main

__all__ = ["write_command_page"]


def _paragraphs(command: click.Command) -> str:
    """Return the help of a command as Markdown: commands and options as code."""
    text = (command.help or "").replace("\b", "")
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(_words(part) for part in paragraphs if part)


def _words(text: str) -> str:
    return re.sub(r"(?<![\w`])(\\-\\-|--)[a-z][\w-]*", lambda o: f"`{o.group()}`", plain_text(text))


def _default(option: click.Option, context: click.Context) -> str:
    value = option.get_default(context)
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return f"`{value}`" if plain else ""


def _options(command: click.Command, context: click.Context) -> str:
    rows = []
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            kind = "" if option.is_flag else f" {option.make_metavar(context)}"
            names = f"`{', '.join(option.opts)}{kind}`".replace("|", "\\|")
            rows.append((names, _words(option.help or ""), _default(option, context)))
    return table(("option", "meaning", "default"), rows) if rows else ""


def command_page() -> str:
    """Return the page: usage, help and options of every command."""
    parts = [
        "# Command line",
        "Every command takes `--help`. Bad input is one line on standard error and exit status 2; "
        f"`QKTHEORY_DEBUG=1` adds the traceback. {_words(main.epilog or '')}",
    ]
    for name, command in main.commands.items():
        context = click.Context(command, info_name=f"qktheory {name}")
        usage = " ".join(command.collect_usage_pieces(context))
        parts += [
            f"(command-{name})=\n## qktheory {name}",
            f"```\nqktheory {name} {usage}\n```",
            _paragraphs(command),
            _options(command, context),
        ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_command_page(path: Path) -> None:
    """Write ``docs/reference/cli.md``."""
    write_if_changed(path, command_page())
