"""The named observables, one a file."""
