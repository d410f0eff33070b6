"""Which components there are.

Keras's and scikit-learn's with their arguments, the data sources, the metrics and their directions. No component is
imported here; begin with `catalog.py`.
"""
