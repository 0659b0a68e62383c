"""`report.md`: the main table first, then what lies behind it."""

from collections.abc import Callable, Sequence

from models.evaluation.compare import SetResult
from services.evaluation import findings
from services.evaluation.report import Report
from services.evaluation.tables import (
    cost_table,
    coverage_table,
    feature_table,
    genre_table,
    main_table,
    samples_table,
    set_name,
    sets_table,
    spread_table,
    targets_table,
    variance_table,
)

_MEASURE = (
    "Mean normalized error (MNE), lower is better: absolute errors divided by the scale of the feature (tempo "
    "250, loudness 60, others 1), averaged over tracks and eight features (without liveness); ± is the standard "
    "error over tracks, a little low where several are by one artist. A MNE of 0.10 is an error of 0.10 on a "
    "scale from 0 to 1, of 25 BPM, or of 6 dB."
)
_SETS = (
    "- **random-holdout**: tracks drawn at random; other tracks of their artists may have been learned from.\n"
    "- **artist-holdout**: no track of their artists was learned from.\n"
    "- **temporal**: predictors trained anew on the training tracks released before 2018, judged on all later "
    "ones. A track of which only the decade is known is learned from up to the 2000s; one of the 2010s may be of "
    "2018 or 2019 and is left out.\n"
    "- **genre-stratified**: equally many tracks of every main genre, drawn from both holdouts with seed 42. Main "
    "genres are families of genre tags; those with fewer than 50 tracks there are left out.\n\n"
    "Baselines: *global mean*, *genre mean* (of the main genre) and *artist mean* (of the first credited artist, "
    "else the genre mean) of the same training tracks; few tracks are drawn towards the more general mean."
)
_SPREAD = (
    "*median* and *SD* are those of the mean error of each track; *minus ...* is the paired difference on the "
    "same tracks, with its standard error; *coverage* is the share of true values within the 80 % intervals and "
    "*width* the mean full width of these, each divided by its scale, both over nine features. A predictor wins "
    "one of the nine *features*, or a *track* (mean of eight), when its error is lower than every other "
    "predictor's by more than 0.005; else it is a tie. Baselines do not compete. "
)
_TARGETS = (
    "Mean squared errors; **bold** meets the target that the platform set. The platform's target for tempo is in "
    "BPM squared; it has none for loudness. "
)
_VARIANCE = (
    "How much of a feature differs between tracks that metadata hardly tells apart: pooled variance between the "
    "tracks of one artist ({artists:,} artists, {artist_tracks:,} tracks) and of one album ({albums:,} albums, "
    "{album_tracks:,} tracks), and its share of the whole."
)
_COST = (
    "One process. *tracks/s* in batches of 500 whose texts are new to the predictor; *one track* is a call with a "
    "single track in a warm process; *load* is importing and loading in a fresh one; *artifact* is the size of "
    "its files. The *yardstick*, products of 256 x 256 matrices, tells how busy the machine was at that moment: "
    "compare rows only as far as theirs agree."
)


def summary_page(report: Report, plots: Sequence[str]) -> str:
    """The content of `report.md`; `plots` are the names of the image files beside it."""

    def image(name: str, text: str) -> str:
        return f"![{text}]({name})" if name in plots else ""

    sections = [
        "# How good the predictors are",
        _main(report),
        image("mne.png", "Mean normalized error of every predictor on every set"),
        f"## The sets\n\n{_SETS}\n\n{sets_table(report.sets)}",
        _section(report, "Differences, intervals, wins", _SPREAD, _spread),
        _section(report, "Error by feature", "Normalized, as in the MNE. ", lambda r: feature_table(r, "error", 4)),
        image("features.png", "Normalized error by feature"),
        _intervals(report),
        image("coverage.png", "Coverage of the 80 % intervals by feature"),
        _section(report, "The platform's targets", _TARGETS, targets_table),
        _variance(report),
        _section(report, "Main genres", "MNE; genres with fewer than 30 tracks are pooled as *other*. ", genre_table),
        image("genres.png", "Mean normalized error by main genre"),
        _samples(report),
        image("samples.png", "Mean normalized error in 200 samples of 100 tracks"),
        f"## Speed and size\n\n{cost_table(report.costs, report.headline_sets)}\n\n{_COST}",
        image("cost.png", "Mean normalized error against speed and size"),
        _origin(report),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _main(report: Report) -> str:
    popular = [result for result in report.sets if result.min_popularity is not None]
    everything = [result for result in report.sets if result.min_popularity is None]
    tables = []
    if popular:
        tables.append(f"Tracks of popularity ≥ {popular[0].min_popularity}:\n\n{main_table(popular)}")
    if everything:
        tables.append(f"All tracks:\n\n{main_table(everything)}")
    made = f"Made on {report.created} by\n\n```\n{report.command}\n```"
    skipped = "\n".join(report.skipped)
    return "\n\n".join(part for part in (*tables, _MEASURE, findings.headline(report), skipped, made) if part)


def _section(report: Report, title: str, text: str, make: Callable[[SetResult], str]) -> str:
    """A table for each set of the headline; the others are in `details.md`."""
    tables = [f"### {title}: {set_name(result)}\n\n{make(result)}" for result in report.headline_sets]
    more = "The sets not shown are in [details.md](details.md)."
    return "\n\n".join([f"## {title}\n\n{text}{more}", *tables])


def _spread(result: SetResult) -> str:
    ties = (
        f"Ties: {len(result.wins.tied_features)} of 9 features, {result.wins.tied_tracks:,} of {result.rows:,} tracks."
    )
    clear = findings.clear_differences(result)
    competing = f"\n\n{ties} By paired difference: {clear}." if result.duels else ""
    return spread_table(result) + competing


def _intervals(report: Report) -> str:
    text = (
        "Share of true values within the 80 % intervals. The temporal sets matter most here: new releases are what is "
        f"imported tomorrow. `{report.reference}`:\n\n{findings.interval_findings(report)}\n\n"
    )
    return _section(report, "Coverage of the intervals", text, coverage_table)


def _variance(report: Report) -> str:
    parts = []
    for name, variance in report.variance.items():
        artist, album = variance.within_artist, variance.within_album
        text = _VARIANCE.format(
            artists=artist.groups, artist_tracks=artist.tracks, albums=album.groups, album_tracks=album.tracks
        )
        which = "all tracks of the table" if name == "all" else "its popular tracks"
        parts.append(f"### Variance within artists and albums: {which}\n\n{text}\n\n{variance_table(variance)}")
    return "\n\n".join([findings.target_findings(report), *parts])


def _samples(report: Report) -> str:
    sampled = [result for result in report.headline_sets if result.samples]
    if not sampled:
        return ""
    intro = (
        "The platform judged by 100 tracks of popularity ≥ 50 drawn once, with seed 42. Here the same is done with 200 "
        "seeds, 42 to 241; every predictor gets the same tracks. 100 tracks alone prove little."
    )
    tables = [f"### {set_name(r)}\n\n{samples_table(r)}\n\n{findings.sample_findings(r)}" for r in sampled]
    return "\n\n".join([f"## Samples of 100 tracks\n\n{intro}", *tables])


def _origin(report: Report) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    libraries = ", ".join(f"{name} {version}" for name, version in report.libraries.items())
    return (
        f"## Made from\n\nTable `{report.file}`, {report.table_rows:,} tracks, sha256 `{report.sha256}`. Predictors "
        f"that serve: {versions}. Libraries: {libraries}. Every figure is in [report.json](report.json)."
    )
