"""What a model looks at: columns and tokens by how much worse a metric gets without them, pictures square by square.

`permutation.py` first: columns; `tokens.py`: the words of texts; `occlusion.py`: pictures; `sample.py`: the rows.
"""
