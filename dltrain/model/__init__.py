"""From config and data schema to a Keras model: building, compiling, the forward pass.

Its output layers stand in `heads`, its shapes without Keras in `symbolic`, its files in other formats in `export`, weights that
were stored before in `weights`, imports of a config's own code in `own_code`; `numbers` computes for `trace`. Begin with
`build.py`.
"""
