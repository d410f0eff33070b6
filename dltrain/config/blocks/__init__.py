"""One file a block of the config, from nodes to the values of `config.types`: `data`, `model`, `training`, `evaluation`, `sweep`.

`phases.py`, `optimizer_keys.py` and `templates.py` read parts of `training`, `swept.py` and `choices.py` parts of `sweep`. How a
key is read in general stands in `config.reading`; begin with `model.py`.
"""
