"""What `dltrain trace` prints: the numbers of one training step as text, to be followed with pen and paper, or as JSON.

Begin with `report.py`: the whole text, forwards; `backward.py` writes the slopes, `numbers.py` the numbers and sums.
"""
