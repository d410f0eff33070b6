"""A network's numbers one by one, in NumPy: forward, backward, one step of the optimizer. Keras only where it must be."""
