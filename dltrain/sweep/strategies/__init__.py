"""How the values of the trials are chosen, one strategy a file.

Begin with `strategy.py`, which is the contract.
"""
