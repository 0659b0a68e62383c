"""How likely two descriptions are of one recording: the same numbers whichever way the candidates were found."""

from dataclasses import dataclass
from functools import lru_cache

from models.matching.durations import durations_agree
from models.matching.forms import artist_forms, bare_title, bare_title_key, credited_names, lead_form, title_forms
from models.matching.trigrams import similarity, trigrams
from models.matching.typos import COMMON_SHORT_WORDS, edits, is_slip, n_letters, slips_allowed
from models.matching.versions import imitation_words, stated_version, version_of


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a near miss must reach; chosen by `musicspace evaluate matching` on one half of the artists."""

    artist: float = 0.4  #: Trigram similarity of the artists; candidates are searched from here on.
    title: float = 0.3  #: Trigram similarity of the titles.
    score: float = 0.25  #: Artist times title.
    margin: float = 0.1  #: By how much the best candidate must be ahead of every other recording.


THRESHOLDS = Thresholds()

#: Similarity of names or titles that differ in a slip of the keyboard: short ones lose most trigrams to one slip.
_SLIP = 0.7
#: Similarity of artists of whom one is among those the other credits; only where the titles are the same.
_CREDITED = 0.75
#: A word this short may hold a slip where so many letters around it agree.
_SHORTEST_WITH_SLIP, _ENOUGH_AROUND = 2, 5


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a track, or of a reference."""

    artist_key: str
    title_key: str
    artist: str
    title: str
    duration_ms: int | None


def near_score(one: Description, other: Description, thresholds: Thresholds = THRESHOLDS) -> float:
    """The product of the similarities of artists and titles, in 0..1; 0 where they cannot be one recording.

    They cannot where durations are unknown or disagree, where versions or numbers differ ("Live", "Part 2"), where a
    word has no counterpart, or where a similarity is below its threshold.
    """
    if not durations_agree(one.duration_ms, other.duration_ms):
        return 0.0
    title = title_similarity(one, other)
    if title < thresholds.title:
        return 0.0
    artist = _artist_similarity(one, other, same_title=title == 1.0)
    if artist < thresholds.artist or title * artist < thresholds.score:
        return 0.0
    return title * artist


def same_version(one: str, other: str) -> bool:
    """Whether two titles, as written, can name the same version, whatever their keys say."""
    return one == other or stated_version(one) == stated_version(other)


def same_performer(one: str, other: str) -> bool:
    """Whether neither of two artists, as written, plays the songs of the other ("Karaoke", "Tribute Band")."""
    return one == other or imitation_words(one) == imitation_words(other)


def title_similarity(one: Description, other: Description) -> float:
    """Similarity of two titles, in 0..1; 0 where they name different versions."""
    if one.title_key == other.title_key:
        found = 1.0
    else:
        found = _best_of(title_forms(one.title_key, one.title), title_forms(other.title_key, other.title))
    return found if found and _same_version(one, other) else 0.0


def _same_version(one: Description, other: Description) -> bool:
    if not same_version(bare_title(one.title), bare_title(other.title)):
        return False
    keys = (bare_title_key(each.title_key, each.title) for each in (one, other))
    return one.title_key == other.title_key or len({version_of(key) for key in keys}) == 1


def _artist_similarity(one: Description, other: Description, *, same_title: bool) -> float:
    if not same_performer(one.artist, other.artist):
        return 0.0
    if one.artist_key == other.artist_key:
        return 1.0
    found = _best_of(artist_forms(one.artist_key), artist_forms(other.artist_key))
    return max(found, _CREDITED) if same_title and found < _CREDITED and _credit_each_other(one, other) else found


def _credit_each_other(one: Description, other: Description) -> bool:
    """Whether the first artist of either is among those that the other credits."""
    first, second = credited_names(one.artist), credited_names(other.artist)
    return not first.isdisjoint(_leads(other)) or not second.isdisjoint(_leads(one))


def _leads(one: Description) -> set[str]:
    return {artist_forms(one.artist_key)[0], lead_form(one.artist_key)} - {""} if one.artist_key else set()


def _best_of(ones: tuple[str, ...], others: tuple[str, ...]) -> float:
    if not set(ones).isdisjoint(others):
        return 1.0
    return max((text_similarity(one, other) for one in ones for other in others), default=0.0)


def search_threshold(form: str, thresholds: Thresholds = THRESHOLDS) -> float:
    """The trigram similarity that a name must have to this one for `near_score` to take both for one artist.

    A slip costs a name at most four of its trigrams, and gives it four others. So long names can be searched narrowly.
    """
    n, changed = len(trigrams(form)), 4 * search_length_slack(form)
    return max(thresholds.artist, (n - changed) / (n + changed)) if n > changed else thresholds.artist


def search_length_slack(form: str) -> int:
    """By how many letters a name may be longer or shorter for `near_score` to take both for one artist."""
    return slips_allowed(n_letters(form) + 2)


@lru_cache(maxsize=262_144)
def text_similarity(one: str, other: str) -> float:
    """Trigram similarity of two spellings, 0 where a word of one has no counterpart in the other."""
    if abs(n_letters(one) - n_letters(other)) > slips_allowed(max(n_letters(one), n_letters(other))):
        return 0.0
    found = similarity(one, other)
    if found == 1.0:
        return 1.0 if sorted(one.split()) == sorted(other.split()) else 0.99
    # Below this not even slips are left to discuss, and looking at words costs more than counting trigrams.
    if found < 0.1 or not _same_words(one, other):
        return 0.0
    return max(found, _SLIP) if is_slip(one, other) else found


def _same_words(one: str, other: str) -> bool:
    """Whether the words in which two texts differ are slips of each other, or the same letters in other portions."""
    first, second = one.split(), other.split()
    left = _without(first, second)
    right = _without(second, first)
    mine, theirs = "".join(left), "".join(right)
    if mine == theirs or not left + right:
        return True
    if not left or not right:
        return False
    return is_slip(mine, theirs) or _is_short_slip(mine, theirs, len(one) - len(mine))


def _is_short_slip(mine: str, theirs: str, n_letters_agreeing: int) -> bool:
    """Whether short words are one slip apart amid letters that agree; "me" and "my" are two words, "mq" is none."""
    if min(len(mine), len(theirs)) < _SHORTEST_WITH_SLIP or n_letters_agreeing < _ENOUGH_AROUND:
        return False
    both_words = mine in COMMON_SHORT_WORDS and theirs in COMMON_SHORT_WORDS
    return not both_words and edits(mine, theirs, 1) == 1


def _without(words: list[str], others: list[str]) -> list[str]:
    left = list(words)
    for word in others:
        if word in left:
            left.remove(word)
    return left
