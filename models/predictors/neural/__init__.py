"""The Neural Audio Feature Predictor: text, genre, mood and metadata branches, fused into nine heads.

`inputs` says what the network may see, `tokens` and `encoding` turn that into numbers, `runtime` predicts with ONNX
Runtime. `network`, `loop`, `training` and `tuning` learn, and are the only modules that need torch.
"""
