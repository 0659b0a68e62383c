r"""Splitting a cell of several artists, where a comma may separate artists or belong to a name.

A semicolon always separates; in a file that uses semicolons a comma never does. Otherwise, in this order:

1. A name with an escaped comma (`Tyler\, The Creator`) shows that every plain comma separates.
2. As many parts as the row has artist ids: commas separate. One id: they do not.
3. A comma with no space after it separates; one with a space then belongs to a name (`Tyler, The Creator,Kali Uchis`).
4. A comma followed by a space separates unless the cell reads like one name: it ends in "A & B", a part after the
   first starts with "The" or a small article or is a suffix like "Jr.", two parts are equal ("Now, Now"), or it is a
   known one.
"""

import re

_PLAIN_COMMA = re.compile(r"(?<!\\),")
# A comma between digits groups thousands (10,000 Maniacs).
_TIGHT_COMMA = re.compile(r",(?!\s)(?!(?<=\d,)\d)")
# "The" more often goes on with a name (Tyler, The Creator) than it starts another artist; other capital articles do not
# (A Boogie wit da Hoodie).
_GOES_ON = re.compile(r"(?:[Tt]he|a|an|el|la|los|le)\s|(?:[JS]r|II|III|I|Inc|Ltd)\.?$")
_JOINS_LAST = re.compile(r"&|\+|\s(?:and|y|und|et|och)\s", re.IGNORECASE)

# Names with a comma that no rule above recognizes.
KNOWN_NAMES = frozenset(
    {
        "crosby, stills, nash",
        "daniel, me estás matando",
        "drop dead, gorgeous",
        "fuck art, let's dance!",
        "isley, jasper, isley",
        "chunk! no, captain chunk!",
        "now, now",
        "oh, flamingo!",
        "oh, sleeper",
        "our hollow, our home",
        "with love, mom",
    }
)


def join_artists(cell: str, n_ids: int = 0, *, commas_separate: bool = True) -> str:
    """The artists of a cell joined with ";".

    Parameters
    ----------
    cell : the cell as the file has it
    n_ids : how many artist ids the row has, 0 where it has no such column
    commas_separate : False in a file that separates artists with semicolons
    """
    if ";" in cell:
        return ";".join(filter(None, (_unescape(name) for name in cell.split(";"))))
    if "," not in cell:
        return cell.strip()
    names = _split_commas(cell, n_ids) if commas_separate else [cell]
    return ";".join(filter(None, (_unescape(name) for name in names)))


def _split_commas(cell: str, n_ids: int) -> list[str]:
    parts = _PLAIN_COMMA.split(cell)
    if "\\," in cell or len(parts) == n_ids:
        return parts
    if n_ids == 1:
        return [cell]
    tight = _TIGHT_COMMA.split(cell)
    if len(tight) > 1:
        return tight
    return [cell] if _reads_as_one_name(cell) else re.split(r",\s+", cell)


def _reads_as_one_name(cell: str) -> bool:
    parts = [part.strip() for part in re.split(r",\s+", cell)]
    return (
        len({part.casefold() for part in parts}) < len(parts)
        or ", ".join(parts).casefold() in KNOWN_NAMES
        or _JOINS_LAST.search(parts[-1]) is not None
        or any(_GOES_ON.match(part) for part in parts[1:])
    )


def _unescape(name: str) -> str:
    return name.replace("\\,", ",").strip()
