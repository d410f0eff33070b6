"""YAML in and out: text to nodes that know their places, and plain values to text.

What the keys mean stands in `config.blocks`, near names of misspelt words in `dltrain.wording`; begin with `nodes.py`.
"""
