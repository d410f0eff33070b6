"""One file a block of the config, from nodes to the values of `config.types`: `data`, `model`, `training`, `sweep`.

How a key is read in general stands in `config.reading`; begin with `model.py`.
"""
