"""Options that several commands share; their values are checked by the functions they go to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["budget_option", "check_seed", "json_file_option", "json_option", "run_options"]

Function = TypeVar("Function", bound=Callable[..., Any])


def run_options(function: Function) -> Function:
    """Add --seed, --delta and --threads."""
    function = click.option(
        "--threads",
        type=int,
        metavar="N",
        help="Threads in all; all processors by default. Results do not depend on it.",
    )(function)
    function = click.option(
        "--delta",
        type=float,
        default=1e-6,
        show_default=True,
        metavar="X",
        help="Error probability of all intervals together.",
    )(function)
    return click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        metavar="N",
        help="Seed of all random numbers, >= 0.",
    )(function)


def check_seed(seed: int) -> None:
    """Raise a `ValueError` for a negative seed, under the name the option has here."""
    from qktheory.base.domains import Integer

    Integer(low=0).check("seed", seed)


def budget_option(function: Function) -> Function:
    """Add --budget."""
    return click.option(
        "--budget",
        default="quick",
        show_default=True,
        metavar="quick|standard|thorough",
        help="How much work is allowed.",
    )(function)


def json_file_option(function: Function) -> Function:
    """Add --json FILE."""
    return click.option(
        "--json",
        "json_file",
        metavar="FILE",
        help="Write the result as JSON; '-' writes it to stdout and nothing else.",
    )(function)


def json_option(function: Function) -> Function:
    """Add the flag --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON and nothing else on stdout."
    )(function)
