"""Music that the project renders itself, of known tempo, beats and key: what the methods of `audio` are judged on.

Two families of styles, of which each has its own patterns, sounds and harmony: `tuning_styles` for whoever adjusts a
method, `scoring_styles` for nothing but the published figures. They share instruments' primitives only.
"""
