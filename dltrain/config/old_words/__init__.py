"""What people know from Keras, scikit-learn, PyTorch, YOLO, Ludwig and older versions, and how a config says it.

`keras_words.py`, `other_words.py` and `block_words.py` have words that are no keys here, and `keys.py` looks them up;
`names.py` has components, `values.py` values and sources, `arguments.py` arguments of components; `calls.py` spells calls of
Python and other mappings as components. Each table lists meanings, with all the words that have it (`spread.py`). Read `keys.py`
first.
"""
