"""``qktheory new-claim``: a file for a claim of the user's own."""

from __future__ import annotations

import re
from pathlib import Path

import click

__all__ = ["new_claim"]


@click.command("new-claim", short_help="Write a template file for a claim of your own.")
@click.argument("name", metavar="NAME")
def new_claim(name: str) -> int:
    """Write NAME.py, a complete example of a claim to be changed into your own.

    Then: qktheory verify NAME.py (verdict, tightness), qktheory show NAME.py (formulas; --latex
    for a paper), qktheory verify NAME.py --report DIR.
    """
    from importlib.resources import files

    from qktheory.base.errors import bad_value
    from qktheory.base.files import write_file

    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise bad_value("NAME", name, "a letter followed by letters, digits and underscores")
    file = Path(f"{name.lower()}.py")
    if file.exists():
        raise bad_value("NAME", name, f"a name whose file {file} does not exist yet")
    template = files("qktheory.theorems").joinpath("claim_template.txt").read_text("utf-8")
    write_file(str(file), template.replace("NAME", name.upper()))
    click.echo(f"{file}: now 'qktheory verify {file}', then make it your own")
    return 0
