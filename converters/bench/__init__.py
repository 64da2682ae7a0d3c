"""How fast the networks and the written files are, measured so that the figures can be trusted.

Nothing here imports a toolkit before it is needed: on a machine with PyTorch and a GPU alone, the
GPU's part runs.
"""
