"""A CLAP checkpoint of a few hundred kilobytes with random weights: the real architecture, made without a download."""

import json
from pathlib import Path
from typing import Any


def save_tiny_clap(folder: Path, *, seed: int = 0, fused: bool = False) -> Path:
    """Write model, feature extractor and tokenizer as transformers' own `save_pretrained` does; the folder."""
    import torch
    from transformers import ClapFeatureExtractor, ClapModel

    torch.manual_seed(seed)
    ClapModel(tiny_config(fused)).save_pretrained(folder)
    ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc").save_pretrained(folder)
    _tokenizer(folder).save_pretrained(folder)
    return folder


def tiny_config(fused: bool = False) -> Any:
    """The smallest sizes that the architecture allows."""
    from transformers import ClapAudioConfig, ClapConfig, ClapTextConfig

    text = ClapTextConfig(
        vocab_size=300,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=40,
        projection_dim=24,
    )
    audio = ClapAudioConfig(
        window_size=4,
        patch_size=8,
        patch_stride=[8, 8],
        patch_embeds_hidden_size=8,
        hidden_size=64,
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        projection_dim=24,
        enable_fusion=fused,
        fusion_type="aff_2d" if fused else None,
        aff_block_r=2,
    )
    return ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=24)


def _tokenizer(folder: Path) -> Any:
    """A byte-level tokenizer with one token a byte."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizerFast

    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(ByteLevel.alphabet())]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    merges.write_text("#version: 0.2\n")
    return RobertaTokenizerFast(vocab_file=str(vocabulary), merges_file=str(merges))
