"""Eight-bit networks that still find small lesions: which layers may be int8, at what cost.

Only networks are quantized, never the preprocessing. The toolkits (torchao, ExecuTorch's XNNPACK
quantizer) are imported inside functions.
"""
