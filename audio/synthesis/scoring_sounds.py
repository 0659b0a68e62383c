"""Instruments of the scoring styles."""

from audio.synthesis.drum_sounds import Kit, clap, metal, shaken, snare, struck, swept
from audio.synthesis.tones import Timbre

JAZZ: Kit = {
    "kick": swept(95, 62, 0.03, 0.09, click=0.12),
    "snare": snare(235, 0.07, wires=0.3),
    "ride": metal(0.7, 2900, 0.3, ping=0.5),
    "pedal": metal(0.05, 4100, 0.7),
    "brush": shaken(0.05, 0.09),
}
STUDIO: Kit = {
    "kick": swept(140, 58, 0.015, 0.08, click=0.35),
    "snare": snare(215, 0.12, wires=0.55),
    "hat": metal(0.045, 3900, 0.7),
    "open": metal(0.28, 3900, 0.7),
    "crash": metal(1.1, 3100, 0.65),
    "tom": swept(190, 120, 0.04, 0.14),
    "cross": struck(1350, 0.025, overtone=2.2),
}
LATIN: Kit = {
    "clave": struck(2450, 0.03, overtone=2.05),
    "cowbell": struck(780, 0.07, overtone=1.48),
    "conga": swept(260, 205, 0.02, 0.1, click=0.15),
    "tumba": swept(190, 150, 0.02, 0.14, click=0.1),
    "guiro": shaken(0.06, 0.03),
    "bell": struck(1150, 0.05, overtone=1.52),
}
ELECTRONIC: Kit = {
    "kick": swept(260, 44, 0.022, 0.2, click=0.2, drive=2.4),
    "deep": swept(120, 38, 0.05, 0.35, click=0.05, drive=1.3),
    "snare": snare(160, 0.18, wires=0.7),
    "clap": clap(0.13, brightness=2),
    "hat": metal(0.018, 6100, 0.95),
    "open": metal(0.12, 6100, 0.95),
    "ride": metal(0.3, 4700, 0.85),
    "rim": struck(1900, 0.015),
}
BREAK: Kit = {
    "kick": swept(170, 66, 0.012, 0.07, click=0.4, drive=1.5),
    "snare": snare(245, 0.09, wires=0.65, brightness=2),
    "ghost": snare(255, 0.04, wires=0.5, brightness=2),
    "ride": metal(0.25, 3300, 0.8),
}

DOUBLE_BASS = Timbre(partials=8, rolloff=1.5, decay=1.6, damping=1.1, noise=0.04, attack_s=0.008, gain=1.3)
SLAP_BASS = Timbre(partials=15, rolloff=0.75, decay=1.8, damping=0.7, noise=0.06)
SUB = Timbre(partials=2, rolloff=2.2, decay=0.7, attack_s=0.008, gain=1.4)
WOBBLE = Timbre(fm_ratio=0.5, fm_index=3.2, damping=1.5, gain=1.2)
REESE = Timbre(partials=18, rolloff=0.85, ensemble_cents=24, attack_s=0.01, gain=0.9)
PICK_BASS = Timbre(partials=10, rolloff=1.0, decay=1.5, damping=0.6, gain=1.1)
GRAND = Timbre(partials=14, rolloff=1.3, decay=0.45, damping=0.25, inharmonicity=0.0006, release_s=0.2, noise=0.02)
RHODES = Timbre(fm_ratio=1.0, fm_index=1.1, decay=0.9, damping=2.5, release_s=0.12)
CLAVINET = Timbre(partials=16, rolloff=0.6, even=0.7, decay=3.5, damping=0.5)
BOWED = Timbre(partials=14, rolloff=0.9, ensemble_cents=6, attack_s=0.07, release_s=0.15, vibrato_cents=18, noise=0.02)
PLUCKED_STRINGS = Timbre(partials=10, rolloff=1.2, decay=5.0, damping=1.2, noise=0.02, release_s=0.2)
ACCORDION = Timbre(partials=12, rolloff=0.5, even=0.8, ensemble_cents=13, attack_s=0.02)
TENOR_SAX = Timbre(partials=14, rolloff=0.75, formants_hz=(550, 1400), attack_s=0.03, vibrato_cents=22, noise=0.08)
TRUMPET = Timbre(partials=13, rolloff=0.5, attack_s=0.02, vibrato_cents=10)
CHOP_GUITAR = Timbre(partials=11, rolloff=0.9, decay=4.0, damping=1.2, noise=0.08)
DISTORTED = Timbre(partials=18, rolloff=0.45, ensemble_cents=10, noise=0.03, gain=0.9)
JANGLE = Timbre(partials=13, rolloff=0.7, even=0.6, decay=1.1, damping=0.4, release_s=0.15)
COLD_PAD = Timbre(partials=11, rolloff=1.0, even=0.4, ensemble_cents=15, attack_s=0.35, release_s=0.5)
BELLS = Timbre(fm_ratio=3.5, fm_index=1.3, decay=2.2, damping=3.0, release_s=0.2)
HOOVER = Timbre(partials=16, rolloff=0.7, ensemble_cents=18, decay=3.0)
TENOR_VOICE = Timbre(partials=20, rolloff=1.0, formants_hz=(600, 1050, 2400, 3000), vibrato_cents=45, attack_s=0.06)
