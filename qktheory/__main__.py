"""``python -m qktheory``."""

from __future__ import annotations

from qktheory.cli import main

if __name__ == "__main__":
    main()
