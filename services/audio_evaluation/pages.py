"""`report.md`: the main figures first, then by style, calibration, real recordings, speed."""

from collections.abc import Sequence

from audio.synthesis.piece import SECONDS
from core.audio import KeyName
from services.audio_evaluation.hearing import HeardFile
from services.audio_evaluation.listening import Heard
from services.audio_evaluation.measures import Calibration, Figure
from services.audio_evaluation.report import Family, Report, Scores
from services.audio_evaluation.songs import Song, codec_groups
from services.evaluation.markdown import UNDEFINED, number, share, table

ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MEASURES = {
    "accuracy_1": "tempo accuracy 1",
    "accuracy_2": "tempo accuracy 2",
    "precise": "tempo within 0.2 %",
    "precise_any_octave": "tempo within 0.2 %, any octave",
    "key_exact": "key exact",
    "key_mirex": "key MIREX-weighted",
    "beats": "beats F-measure",
}
_INTRO = (
    "How well tempo, key and beats are measured, with librosa at its defaults as the yardstick in the same run. "
    "*Accuracy 1* is a tempo within 4 %, octave included; *accuracy 2* allows its double, half, triple and third. "
    "*Within 0.2 %* is strict about the octave, *any octave* allows the same factors. Keys are right in root and mode; "
    "MIREX gives .5 for a fifth above, .3 for the relative, .2 for the parallel key. Beats count within 70 ms. "
    "Brackets hold 95 % intervals (Wilson; bootstrap for means). docs/EVALUATION.md tells more."
)
_SCORING = (
    "Pieces that the project renders itself, of styles that share no pattern, timbre or progression with those that "
    "methods were fitted to. The last column holds the styles they were fitted to, other pieces; the distance "
    "tells how much of the figures is habit. docs/EVALUATION.md tells what was known of the scoring styles when "
    "methods were adjusted."
)
_BEAT_TRACKER = "tempo, with beats for librosa"


def report_page(report: Report, plots: Sequence[str]) -> str:
    """The content of `report.md`; `plots` are the names of the image files beside it."""

    def image(name: str, text: str) -> str:
        return f"![{text}]({name})" if name in plots else ""

    sections = [
        "# Tempo and key",
        _INTRO,
        _main(report),
        f"Made on {report.created} by\n\n```\n{report.command}\n```",
        "## By style",
        _styles(report.judged),
        image("styles.png", "Tempo accuracy 1 and key exact by style"),
        "## Calibration",
        *(_calibrations(each) for each in report.families),
        image("reliability.png", "Share right against confidence"),
        *_songs(report.songs),
        "## Speed",
        _speed(report),
        f"## Made from\n\nYardstick: {report.yardstick}. Every figure and piece is in [report.json](report.json).",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def key_name(key: KeyName | None) -> str:
    """As musicians write it: `Eb minor`."""
    return UNDEFINED if key is None else f"{ROOTS[key.root]} {key.mode.value}"


def interval(figure: Figure) -> str:
    """A figure and its 95 % interval."""
    return f"{number(figure.value, 3)} ({number(figure.low, 2)}–{number(figure.high, 2)})"


def _main(report: Report) -> str:
    columns: list[tuple[str, Scores | None]] = []
    for each in report.families:
        columns.append((f"{each.name} styles ({len(each.pieces):,})", each.ours))
        if each.yardstick is not None:
            columns.append(("librosa, the same", each.yardstick))
    rows = [
        [title, *(interval(getattr(scores, name)) if scores else UNDEFINED for _, scores in columns)]
        for name, title in MEASURES.items()
    ]
    return f"## Rendered music\n\n{_SCORING}\n\n" + table(["", *(name for name, _ in columns)], rows)


def _styles(family: Family) -> str:
    header = ["style", "BPM", "accuracy 1", "2", "0.2 %", "key", "MIREX", "beats"]
    if family.yardstick is not None:
        header += ["librosa: accuracy 1", "2", "key", "beats"]
    rows = []
    for each in family.styles:
        own, other = each.ours, each.yardstick
        shown = [own.accuracy_1, own.accuracy_2, own.precise, own.key_exact, own.key_mirex, own.beats]
        if other is not None:
            shown += [other.accuracy_1, other.accuracy_2, other.key_exact, other.beats]
        tempi = f"{each.slowest_bpm:g}–{each.fastest_bpm:g}"
        rows.append([each.style, tempi, *(number(figure.value, 2) for figure in shown)])
    n = family.styles[0].ours.accuracy_1.n if family.styles else 0
    tactus = "\n".join(f"- {each.style}: {each.tactus}" for each in family.styles)
    return f"{n} pieces of each.\n\n{table(header, rows)}\n\nThe pulse that counts as the beat:\n\n{tactus}"


def _calibrations(family: Family) -> str:
    parts = [f"### {family.name.capitalize()} styles"]
    for name, own in (("Tempo", family.tempo_calibration), ("Key", family.key_calibration)):
        if own is not None:
            parts += [_calibration(name, own)]
    return "\n\n".join(parts)


def _calibration(name: str, own: Calibration) -> str:
    octave = (
        f" (of a wrong octave {number(own.highest_wrong_octave, 2)})" if own.highest_wrong_octave is not None else ""
    )
    text = (
        f"{name}: expected calibration error {number(own.expected_error, 3)}, Brier score {number(own.brier, 3)} (with "
        f"the same confidence for all {number(own.brier_of_constant, 3)}); the highest confidence of a wrong one is "
        f"{number(own.highest_wrong, 2)}{octave}; {share(own.wrong_above_90)} of the wrong ones exceed .9."
    )
    rows = [[f"{b.low:.1f}–{b.high:.1f}", f"{b.n:,}", number(b.confidence, 2), number(b.right, 2)] for b in own.bins]
    return f"{text}\n\n" + table(["confidence", "pieces", "mean", "share right"], rows)


def _songs(songs: list[Song]) -> list[str]:
    if not songs:
        return []
    heard = [song for song in songs if song.heard.ours is not None]
    better = [song for song in heard if song.better]
    others = [song for song in heard if song.label.bpms and not song.better]
    groups = codec_groups(heard)
    grouped = {song.file for group in groups for song in group}
    unknown = [song for song in heard if not song.label.bpms and song.file not in grouped]
    failed = [song for song in songs if song.heard.ours is None]
    parts = ["## Real recordings", "The first two minutes of each; both methods hear the same samples at 22,050 Hz."]
    if better:
        parts += ["### Tempo well known", _counts(better), _song_table(better)]
    if others:
        parts += ["### Tempo known less well", _counts(others), _song_table(others)]
    if unknown:
        parts += ["### Tempo not known", _song_table(unknown)]
    for group in groups:
        parts += [f"### The same clip in {len(group)} formats", _song_table(group)]
    if failed:
        parts += ["### Not decoded", "\n".join(f"- `{song.file}`: {song.heard.trouble}" for song in failed)]
    return parts


def _counts(songs: list[Song]) -> str:
    methods = list(dict.fromkeys(method for song in songs for method in song.right))
    return (
        "; ".join(
            f"{method}: {sum(song.right[method] for song in songs)} of {len(songs)} within 4 %, "
            f"{sum(song.precise[method] for song in songs)} within 0.2 %"
            for method in methods
        )
        + "."
    )


def _song_table(songs: list[Song]) -> str:
    header = ["file", "BPM", "ours", "confidence", "key known", "ours", "confidence"]
    yardstick = any(song.heard.yardstick for song in songs)
    header += ["librosa BPM", "key"] if yardstick else []
    return table(header, [_song_row(song, song.heard, yardstick=yardstick) for song in songs])


def _song_row(song: Song, heard: HeardFile, *, yardstick: bool) -> list[str]:
    known = " or ".join(f"{bpm:g}" for bpm in song.label.bpms)
    known += f" ({song.label.strength})" if known and song.label.strength else ""
    row = [song.file, known, *_heard_cells(song, heard.ours)]
    row.insert(4, song.label.key if len(song.label.key) < 50 else UNDEFINED)
    if yardstick and heard.yardstick is not None:
        mark = _mark(song, "librosa")
        row += [number(heard.yardstick.bpm, 1) + mark, key_name(heard.yardstick.key)]
    return row


def _heard_cells(song: Song, heard: Heard | None) -> list[str]:
    if heard is None:
        return [UNDEFINED] * 4
    bpm = number(heard.bpm, 2) + _mark(song, "ours")
    return [bpm, number(heard.tempo_confidence, 2), key_name(heard.key), number(heard.key_confidence, 2)]


def _mark(song: Song, method: str) -> str:
    if method not in song.right:
        return ""
    return " ✓✓" if song.precise[method] else " ✓" if song.right[method] else " ✗"


def _speed(report: Report) -> str:
    rows = [
        [each.method, f"{1000 * each.tempo_seconds:,.0f} ms", f"{1000 * each.key_seconds:,.0f} ms"]
        for each in report.timings
    ]
    text = f"Median time for {SECONDS:g} s of music in one of the processes that listen side by side."
    return f"{text}\n\n" + table(["", _BEAT_TRACKER, "key"], rows)
