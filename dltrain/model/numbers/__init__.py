"""A network's numbers one by one, in NumPy: forward, backward, one step of the optimizer. Keras only where it must be.

For `dltrain trace`; nothing is trained with it. Begin with `dense_network.py`.
"""
