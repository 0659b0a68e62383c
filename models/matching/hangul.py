"""Hangul in Latin letters, by the Revised Romanization of Korean of 2000, pronunciation rules included.

Rules: National Institute of Korean Language, "Romanization of Korean" (chapters 2 and 3). The insertion of ㄴ and ㄹ
("알약") depends on how a word is composed, which letters do not tell, and is left out.
"""

_FIRST, _LAST = 0xAC00, 0xD7A3
_N_FINALS, _N_VOWELS = 28, 21

_INITIALS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
_VOWELS = (
    *("a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae"),
    *("oe", "yo", "u", "wo", "we", "wi", "yu", "eu", "ui", "i"),
)
# In the order of Unicode: none, ㄱ ㄲ ㄳ ㄴ ㄵ ㄶ ㄷ ㄹ ㄺ ㄻ ㄼ ㄽ ㄾ ㄿ ㅀ ㅁ ㅂ ㅄ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ.
_FINALS = (
    *("", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l"),
    *("p", "l", "m", "p", "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t"),
)
# Before a vowel: what stays at the end of the syllable, and what begins the next one.
_CARRIED = (
    *(("", ""), ("", "g"), ("", "kk"), ("k", "s"), ("", "n"), ("n", "j"), ("", "n"), ("", "d"), ("", "r")),
    *(("l", "g"), ("l", "m"), ("l", "b"), ("l", "s"), ("l", "t"), ("l", "p"), ("", "r"), ("", "m"), ("", "b")),
    *(("p", "s"), ("", "s"), ("", "ss"), ("ng", ""), ("", "j"), ("", "ch"), ("", "k"), ("", "t"), ("", "p")),
    ("", ""),
)
_NASAL = {"k": "ng", "t": "n", "p": "m"}
_WITH_H = {6, 15, 27}  # ㄶ ㅀ ㅎ
_ASPIRATED = {"g": "k", "d": "t", "j": "ch"}


def has_hangul(text: str) -> bool:
    """Whether the text holds a Hangul syllable."""
    return not text.isascii() and any(_is_syllable(char) for char in text)


def romanize(text: str) -> str:
    """The text with every Hangul syllable in lower-case Latin letters; everything else stays.

    Consonants change as they are spoken next to each other within a word: 독립문 becomes "dongnimmun".
    """
    parts: list[str] = []
    carried: str | None = None  # The next syllable's initial, where the one before decided it.
    for position, char in enumerate(text):
        if not _is_syllable(char):
            parts.append(char)
            continue
        initial, vowel, final = _letters(char)
        parts += [_INITIALS[initial] if carried is None else carried, _VOWELS[vowel]]
        following = text[position + 1] if position + 1 < len(text) else ""
        if _is_syllable(following):
            end, carried = _meet(final, _INITIALS[_letters(following)[0]])
        else:
            end, carried = _FINALS[final], None
        parts.append(end)
    return "".join(parts)


def _is_syllable(char: str) -> bool:
    return bool(char) and _FIRST <= ord(char) <= _LAST


def _letters(syllable: str) -> tuple[int, int, int]:
    """Positions of the initial, the vowel and the final consonant in the tables above."""
    rest, final = divmod(ord(syllable) - _FIRST, _N_FINALS)
    initial, vowel = divmod(rest, _N_VOWELS)
    return initial, vowel, final


def _meet(final: int, initial: str) -> tuple[str, str]:
    """How the end of one syllable and the beginning of the next are spelled."""
    if initial == "":
        return _CARRIED[final]
    if final in _WITH_H and initial in _ASPIRATED:
        return {6: "n", 15: "l", 27: ""}[final], _ASPIRATED[initial]
    end = _FINALS[final]
    if initial == "r":
        return _before_r(end)
    if initial in {"n", "m"}:
        return ("l", "l") if end == "l" and initial == "n" else (_NASAL.get(end, end), initial)
    return end, initial


def _before_r(end: str) -> tuple[str, str]:
    if end in {"n", "l"}:
        return "l", "l"
    return (_NASAL.get(end, end), "n") if end else ("", "r")
