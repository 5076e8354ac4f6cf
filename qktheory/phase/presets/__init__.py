"""Presets of sweeps: specs (TOML), and what a preset has beside its main sweep, one a module."""
