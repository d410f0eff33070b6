"""YAML in and out: text to nodes that know their places, nodes to text, and the nearest name to a misspelt one.

What the keys mean stands in `blocks`; begin with `nodes.py`.
"""
