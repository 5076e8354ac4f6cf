"""The preset ``spectrum``: ranks of whole attention matrices are a part of their own."""

from __future__ import annotations

from qktheory.phase.preset import PRESETS, Preset

PRESETS.add("spectrum", Preset("spectrum", parts=("rank",)))
