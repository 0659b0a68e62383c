"""CLAP (Elizalde et al. 2023; Wu et al. 2023): audio and text as vectors of one space.

`mel` prepares windows with numpy alone, in any process. `loading`, `device` and `embedder` need torch and transformers,
and import them inside their functions. `checkpoint` finds weights without either.
"""
