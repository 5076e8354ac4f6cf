"""What nearly every block needs, imported once before processes are forked."""

from __future__ import annotations

from qktheory.theorems.catalogue import claims

claims()
