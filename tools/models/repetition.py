"""Notice a reply that has fallen into repetition, as vision language models do over long or blurred text."""

_SPAN = 160
"""Characters that have to be one unit over and over: a ruled line or a dotted leader is shorter."""

_TIMES = 6
_LONGEST = 240
"""Times the unit has to stand there, and the longest unit that is looked for, in characters."""


def repeats(text: str) -> int | None:
    """How many characters of a text to keep, where its end says one thing over and over; `None` where it does not.

    The first of the repetitions is kept.
    """
    for unit in range(1, min(_LONGEST, len(text) // _TIMES) + 1):
        times = max(_TIMES, -(-_SPAN // unit))
        span = unit * times
        if span <= len(text) and text.endswith(text[-unit:] * times):
            start = len(text) - span
            while start >= unit and text[start - unit : start] == text[-unit:]:
                start -= unit
            return start + unit
    return None
