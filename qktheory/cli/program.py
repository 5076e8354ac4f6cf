"""The program: its commands, and how every failure is reported.

Only click is imported here and at the top of the command files; NumPy, SymPy, Numba and rich are
loaded by the command that needs them, so ``qktheory --help`` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click

from qktheory import __version__
from qktheory.base.errors import UserCodeError, unknown_name
from qktheory.cli.claims import claims
from qktheory.cli.compare import compare
from qktheory.cli.derive import derive
from qktheory.cli.evaluate import evaluate
from qktheory.cli.falsify import falsify
from qktheory.cli.new_claim import new_claim
from qktheory.cli.phase import phase
from qktheory.cli.show import show
from qktheory.cli.status import status
from qktheory.cli.verify import verify

__all__ = ["Program", "main"]

#: Exit statuses beside 0 and the 1 of a command's own.
FAULT, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141


class Program(click.Group):
    """A group whose failures are one line on stderr and an exit status.

    Bad input, sizes beyond memory included, gives status 2, a fault of the program 1, an interrupt
    130. ``QKTHEORY_DEBUG=1`` adds the traceback.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise unknown_name("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit with its status."""

        def run() -> Any:
            status = click.Group.main(
                self,
                args,
                prog_name or "qktheory",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            sys.stdout.flush()
            return status

        status = _guarded(run)
        if not standalone_mode:
            return status
        sys.exit(status)


def _guarded(run: Callable[[], Any]) -> int:
    """Run and return an exit status, whatever happens."""
    # A terminal or pipe that cannot show a character gets a question mark, not a traceback.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        status = run()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return BAD_INPUT
    except click.ClickException as error:
        return _fail(error.format_message(), BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader has left; what the interpreter still flushes goes nowhere.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except MemoryError as error:
        detail = f": {error}" if str(error) else ""
        return _fail(f"these sizes need more memory than there is{detail}", BAD_INPUT)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", BAD_INPUT)
    except Exception as error:
        # Bad input is a plain ValueError; its subclasses (LinAlgError, decoding) are our faults.
        if type(error) is ValueError:
            return _fail(str(error), BAD_INPUT)
        if isinstance(error, UserCodeError):
            click.echo(error.details, err=True)
            return _fail(str(error), BAD_INPUT)
        hint = "" if _debugging() else " (set QKTHEORY_DEBUG=1 for the traceback)"
        return _fail(f"internal error: {type(error).__name__}: {error}{hint}", FAULT)
    return status if isinstance(status, int) else 0


def _debugging() -> bool:
    return os.environ.get("QKTHEORY_DEBUG", "") not in ("", "0")


def _fail(message: str, status: int) -> int:
    """Report a failure in one line."""
    if _debugging():
        traceback.print_exc()
    with contextlib.suppress(BrokenPipeError):
        click.echo(f"qktheory: error: {' '.join(message.split())}", err=True)
    return status


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 success, 1 a claim judged against its standing (verify) or a fault of "
    "the program, 2 bad input, 130 interrupted.",
)
@click.version_option(__version__, prog_name="qktheory", message="%(prog)s %(version)s")
def main() -> None:
    """Theory and simulation of self-attention at initialisation, with checkable theorems."""


_COMMANDS = (
    *(verify, falsify, derive, compare, phase, status),
    *(claims, show, evaluate, new_claim),
)
for _command in _COMMANDS:
    main.add_command(_command)
