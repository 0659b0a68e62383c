"""Slips of the keyboard: the edit distance in which swapping two neighbors is one step."""


def edits(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbors that turn one text into the other.

    The restricted Damerau-Levenshtein distance ("optimal string alignment"); `limit + 1` for everything above `limit`.
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    if one == other:
        return 0
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for row, char in enumerate(one, 1):
        current = [row]
        for column, opposite in enumerate(other, 1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (char != opposite))
            if row > 1 and column > 1 and char == other[column - 2] and opposite == one[row - 2]:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > limit and min(last) > limit:
            return limit + 1
        before, last = last, current
    return min(last[-1], limit + 1)


def slips_allowed(n_letters: int) -> int:
    """How many slips still leave a text of this length recognizable: none in three letters, then one in six."""
    return 0 if n_letters < 4 else 1 + n_letters // 8


def is_slip(one: str, other: str) -> bool:
    """Whether one text is the other with a few slips, spaces aside."""
    first, second = one.replace(" ", ""), other.replace(" ", "")
    limit = slips_allowed(min(len(first), len(second)))
    return edits(first, second, limit) <= limit
