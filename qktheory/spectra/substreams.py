"""Independent streams for the independent parts of one random matrix."""

from __future__ import annotations

from functools import lru_cache

from qktheory.kernels.streams import Stream, experiment_id

__all__ = ["substream"]


@lru_cache(maxsize=256)
def substream(stream: Stream, part: str) -> Stream:
    """Return the stream of a named part (eigenvalues, eigenvectors, ...) of a random object.

    Parameters
    ----------
    stream : Stream
        Address of the whole object.
    part : str
        Name of the part; different names give independent numbers.

    Returns
    -------
    Stream
        With the same key and cell, and an experiment hashed from that of `stream` and `part`.

    Examples
    --------
    >>> whole = Stream(key=1, experiment=0, cell=0)
    >>> substream(whole, "eigenvectors") == substream(whole, "eigenvalues")
    False
    """
    return stream.child(experiment=experiment_id(f"{stream.experiment}/{part}"))
