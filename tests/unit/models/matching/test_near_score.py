"""Which spellings are taken for one recording, and which never are."""

import pytest

from core.identity import key_halves
from models.matching.scoring import Description, near_score, search_length_slack, search_threshold, text_similarity
from models.matching.trigrams import similarity

Name = tuple[str, str]


def describe(name: Name, duration_ms: int | None = 200_000) -> Description:
    return Description(*key_halves(*name), *name, duration_ms)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("The Weeknd", "Blinding Lights"), ("Teh Weeknd", "Blinding Lights")),
        (("Drake", "Hotline Bling"), ("Drkae", "Hotline Bling")),
        (("Metallica", "Nothing Else Matters"), ("Metalica", "Nothing Else Maters")),
        (("AC/DC", "Thunderstruck"), ("ACDC", "Thunderstruck")),
        (("The Beatles", "Help!"), ("Beatles, The", "Help")),
        (("The Beatles", "Help!"), ("Beatles", "Help")),
        (("A & B", "Some Song"), ("A;B", "Some Song")),
        (("Alpha;Beta", "Some Song"), ("Beta;Alpha", "Some Song")),
        (("Alpha", "Some Song, Pt. II"), ("Alpha", "Some Song, Part 2")),
        (("Alpha", "Some Song"), ("Alpha", 'Some Song (From "The Film")')),
        (("Alpha", "Some Song"), ("Alpha", "Some Song (Official Video)")),
        (("아이유 (IU)", "좋은 날"), ("IU", "좋은 날")),
        (("아이유 (IU)", "좋은 날"), ("아이유", "좋은 날")),
        (("아이유", "좋은 날"), ("Aiyu", "Joeun Nal")),
        (("BTS", "불타오르네 FIRE"), ("BTS", "FIRE")),
        (("BTS", "불타오르네 (FIRE)"), ("BTS", "불타오르네")),
        (("Alpha", "No One Is There"), ("Alpha", "No One Iss There")),
    ],
)
def test_one_recording(one: Name, other: Name) -> None:
    score = near_score(describe(one), describe(other))
    assert score > 0.25
    assert near_score(describe(other), describe(one)) == score


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(
            (("Alpha", "A Very Long Title Of A Song"), ("Alpha", f"A Very Long Title Of A Song{ending}"))
            for ending in (
                *(" - Live", " (Remix)", " (Nova Remix)", " - Acoustic", " (Instrumental)", " (Karaoke Version)"),
                *(" (Cover)", " - Sped Up", " (Slowed + Reverb)", " - Demo", ", Pt. 2", " II", " 2", " Part Two"),
                *(" (Taylor's Version)", " (Korean Version)", " feat. Guest Remix", " feat. Guest Vol. 3"),
                *(' - From "The Film" - Live', ' (From "The Film") (Acoustic)', " 라이브", " (리믹스)"),
            )
        ),
        (("Alpha", "Some Song, Pt. 1"), ("Alpha", "Some Song, Pt. 2")),
        (("Alpha", "Some Song 1999"), ("Alpha", "Some Song 1989")),
        (("Alpha", "Love Me"), ("Alpha", "Love You")),
        (("Alpha", "Give It To Me"), ("Alpha", "Give It To Us")),
        (("Alpha", "Side A"), ("Alpha", "Side B")),
        (("Alpha", "Some Song"), ("Alpha", "Some Other Song")),
        (("Adele", "Hello"), ("Adele Tribute Band", "Hello")),
        (("Adele", "Hello"), ("Karaoke Adele", "Hello")),
        (("아이유", "좋은 날"), ("Vitamin String Quartet plays 아이유", "좋은 날")),
        (("David & David", "Some Song"), ("String Quartet plays David & David", "Some Song")),
        (("Alpha", "Some Song"), ("Omega", "Some Song")),
        (("DeBarge", "I Like It"), ("El DeBarge", "I Like It")),
    ],
)
def test_other_recordings(one: Name, other: Name) -> None:
    assert near_score(describe(one), describe(other)) == 0
    assert near_score(describe(other), describe(one)) == 0


@pytest.mark.parametrize(("duration_ms", "agrees"), [(202_900, True), (204_200, False), (None, False)])
def test_durations_decide(duration_ms: int | None, agrees: bool) -> None:
    name = ("Alpha", "Some Song")
    assert (near_score(describe(name, 200_000), describe(name, duration_ms)) > 0) is agrees


def test_long_recordings_may_differ_by_two_percent() -> None:
    name = ("Alpha", "Some Song")
    assert near_score(describe(name, 1_000_000), describe(name, 1_019_000)) == 1
    assert near_score(describe(name, 1_000_000), describe(name, 1_025_000)) == 0


@pytest.mark.parametrize("name", ["drake", "metallica", "imagine dragons", "red hot chili peppers", "u2 band"])
def test_the_search_reaches_every_slip_that_the_score_accepts(name: str) -> None:
    """Candidates are searched more narrowly the longer a name is; none that would match may be left out."""
    letters = [place for place, char in enumerate(name) if char != " "]
    slips = {name[:p] + "q" + name[p + 1 :] for p in letters} | {name[:p] + name[p + 1 :] for p in letters}
    slips |= {name[:p] + name[p : p + 2][::-1] + name[p + 2 :] for p in letters} | {
        f"{name[:p]}q{name[p:]}" for p in letters
    }
    for slip in slips:
        if text_similarity(name, slip) >= 0.4 and similarity(name, slip) >= 0.4:
            assert similarity(name, slip) >= search_threshold(name)
            assert abs(len(name.replace(" ", "")) - len(slip.replace(" ", ""))) <= search_length_slack(name)
