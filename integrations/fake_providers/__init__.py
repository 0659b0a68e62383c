"""Providers that run on this machine: ReccoBeats and Gemini behind one loopback port, with faults on a script.

They speak the real protocols, so that real clients can be watched without a key and without costs. What they answer is
made up: without a table of true values each track gets numbers drawn from a hash of its name. With one, ReccoBeats
answers the true values and Gemini the true values plus noise with heavy tails. That noise is a stand-in of ours, not a
model of how well Gemini does.

    python -m integrations.fake_providers --port 8099 --faults 'random:0.2' --truth tracks.parquet
"""

from integrations.fake_providers.server import FakeProviders, running_fakes

__all__ = ["FakeProviders", "running_fakes"]
