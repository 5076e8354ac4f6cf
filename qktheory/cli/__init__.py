"""The command line: commands, options, tables. It holds no mathematics."""

from __future__ import annotations

from qktheory.cli.program import main

__all__ = ["main"]
