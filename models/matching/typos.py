"""Slips of the keyboard: the edit distance in which swapping two neighbors is one step."""


def edits(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbors that turn one text into the other.

    The restricted Damerau-Levenshtein distance ("optimal string alignment"); `limit + 1` for everything above `limit`.
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    one, other = _differing_parts(one, other)
    if not one or not other:
        return min(len(one) + len(other), limit + 1)
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


def _differing_parts(one: str, other: str) -> tuple[str, str]:
    """Both texts without their common beginning and end, which cost no step."""
    start = _n_equal(one, other)
    one, other = one[start:], other[start:]
    end = _n_equal(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _n_equal(one: str, other: str) -> int:
    """How many letters at the beginning are equal."""
    for position, (char, opposite) in enumerate(zip(one, other, strict=False)):
        if char != opposite:
            return position
    return min(len(one), len(other))


def slips_allowed(n_letters: int) -> int:
    """How many slips still leave a text recognizable: none in three letters, then one, and one more each twelve."""
    return 0 if n_letters < 4 else 1 + n_letters // 12


def n_letters(text: str) -> int:
    """Letters of a text, spaces aside."""
    return len(text) - text.count(" ")


def is_slip(one: str, other: str) -> bool:
    """Whether one text is the other with a few slips, spaces aside."""
    first, second = one.replace(" ", ""), other.replace(" ", "")
    limit = slips_allowed(max(len(first), len(second)))
    return edits(first, second, limit) <= limit


# Two of these are two words, not one with a slip. English, Romance, German, Korean.
_SHORT_WORDS = """
    a ad ah ai al all am an and any are arm art as ask at ate av bad bar be bed bet big bit blu boy bus but
    buy by can car cat con cry cut da dad das day de del den der des did die do dog don du due eat eh el ele
    elle em end er es et eu eye fa far fat few fin fly for fox fun get go god got gun guy ha had has hat he
    her hey hi him his hit hot how i ich if ik il im in is it ja je joy key kid la las law le les let lie lo
    los lot low ma mad man may me men mi mit moi mon mud my na nah ne new no non nos not now nun o of off oh
    ok old on one or our out own para pay per por put que qui ran red ride rio rod rot run sad sao sax say
    sea see ser she si sin sir sky so sol son su sun ta te tell the tie tip to tom too top toy try tu tua two
    u un una und up us use va van vi viva vor war was way we wer who why win wir wo won y ya yes yet yo you
    your zu 꽃 나 내 너 네 밤 별 봄 비
"""
COMMON_SHORT_WORDS = frozenset(_SHORT_WORDS.split())
