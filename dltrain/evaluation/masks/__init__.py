"""Segmentation: metrics of predicted masks, the masks of new pictures, and a picture of some of them.

Begin with `score.py`, the metrics; `own_metrics.py` has the intervals of Keras's. `sheet.py` draws some pictures, `predicted.py`
makes the masks of new ones, `tiles.py` those of large ones.
"""
