"""Which embedder the settings choose."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_clap import save_tiny_clap

from core.audio_settings import EmbedSettings
from core.errors import ConfigurationError, PermanentError
from services.audio_analysis.embedders import chosen_embedder, open_embedder


def test_clap_where_its_weights_are(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    settings = EmbedSettings(clap_checkpoint=str(save_tiny_clap(tmp_path / "clap")), device="cpu")
    assert open_embedder(settings).space.startswith("clap:")
    assert open_embedder(settings.model_copy(update={"embedder": "dsp"})).space.startswith("dsp-")


def test_dsp_where_there_are_no_weights(tmp_path: Path) -> None:
    embedder = open_embedder(EmbedSettings(clap_checkpoint=str(tmp_path), allow_download=True))
    assert embedder.space.startswith("dsp-")
    with pytest.raises(PermanentError) as caught:
        embedder.embed_text(["piano"])
    assert caught.value.code == "embedding-without-text"


def test_clap_that_was_asked_for_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_embedder(EmbedSettings(embedder="clap", clap_checkpoint=str(tmp_path)))
    assert caught.value.code == "embedder-unavailable"


def test_unknown_embedder() -> None:
    with pytest.raises(ConfigurationError, match="MUSICSPACE_EMBED__EMBEDDER"):
        chosen_embedder(EmbedSettings(embedder="openl3"))


def test_choosing_dsp_loads_no_torch() -> None:
    code = (
        "import sys; from core.audio_settings import EmbedSettings; "
        "from services.audio_analysis.embedders import open_embedder; "
        "open_embedder(EmbedSettings(embedder='auto', clap_checkpoint='/nowhere')); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
