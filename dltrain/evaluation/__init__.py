"""Evaluation of a trained model, and its predictions for new rows.

Figures stand in `metrics`, predictions in `predictions`, pictures in `drawing`; training itself is no business of this room.
Begin with `evaluate.py`.
"""
