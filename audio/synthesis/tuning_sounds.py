"""Instruments of the tuning styles."""

from audio.synthesis.drum_sounds import Kit, clap, metal, shaken, snare, struck, swept
from audio.synthesis.tones import Timbre

ACOUSTIC: Kit = {
    "kick": swept(110, 52, 0.02, 0.11, click=0.25),
    "snare": snare(195, 0.1, wires=0.45),
    "hat": metal(0.035, 3400, 0.8),
    "open": metal(0.22, 3400, 0.8),
    "crash": metal(0.9, 2700, 0.75),
    "tom": swept(150, 95, 0.05, 0.16),
    "ride": metal(0.5, 2500, 0.45, ping=0.35),
    "rim": struck(1650, 0.02),
    "tambourine": shaken(0.006, 0.06),
    "shaker": shaken(0.025, 0.035),
    "brush": shaken(0.012, 0.05),
}
MACHINE: Kit = {
    "kick": swept(210, 48, 0.03, 0.16, click=0.1, drive=1.6),
    "snare": snare(180, 0.13, wires=0.5, brightness=2),
    "clap": clap(0.09),
    "hat": metal(0.025, 5200, 0.9),
    "open": metal(0.16, 5200, 0.9),
    "shaker": shaken(0.02, 0.03),
}
MARCHING: Kit = {
    "bass drum": swept(80, 58, 0.03, 0.25, click=0.05),
    "snare": snare(260, 0.06, wires=0.5, brightness=2),
    "cymbals": metal(0.7, 3000, 0.85),
}

FINGER_BASS = Timbre(partials=7, rolloff=1.3, decay=1.2, damping=0.9, gain=1.1)
ROUND_BASS = Timbre(partials=3, rolloff=1.8, attack_s=0.01, gain=1.2)
PLUCKED_SYNTH_BASS = Timbre(partials=14, rolloff=0.9, decay=2.5, damping=1.0, gain=0.9)
UPRIGHT_BASS = Timbre(partials=6, rolloff=1.1, decay=2.0, damping=1.6, noise=0.02, gain=1.2)
PIANO = Timbre(partials=12, rolloff=1.1, decay=0.6, damping=0.35, inharmonicity=0.0004, release_s=0.15, noise=0.01)
OVERDRIVEN = Timbre(partials=16, rolloff=0.55, decay=0.4, ensemble_cents=7, noise=0.02)
STEEL_GUITAR = Timbre(partials=14, rolloff=0.8, decay=0.9, damping=0.5, noise=0.03, release_s=0.2)
NYLON_GUITAR = Timbre(partials=9, rolloff=1.2, decay=1.4, damping=0.8, noise=0.015, release_s=0.12)
ORGAN = Timbre(partials=8, rolloff=0.6, vibrato_cents=8, attack_s=0.01)
PAD = Timbre(partials=9, rolloff=1.2, ensemble_cents=9, attack_s=0.25, release_s=0.4)
STAB = Timbre(partials=14, rolloff=0.8, decay=5.0, damping=0.8)
BRASS = Timbre(partials=12, rolloff=0.7, attack_s=0.03, ensemble_cents=6, release_s=0.06)
WOODWIND = Timbre(partials=7, rolloff=1.0, even=0.2, attack_s=0.03, noise=0.04, vibrato_cents=10)
ALTO_VOICE = Timbre(partials=18, rolloff=0.9, formants_hz=(750, 1200, 2600), vibrato_cents=35, attack_s=0.05)
ARPEGGIO = Timbre(partials=16, rolloff=0.9, decay=6.0, damping=0.6)
LEAD = Timbre(partials=14, rolloff=1.0, even=0.3, ensemble_cents=11, attack_s=0.01, vibrato_cents=12)
GRAND_STRINGS = Timbre(partials=12, rolloff=1.0, ensemble_cents=8, attack_s=0.12, release_s=0.25, vibrato_cents=12)
