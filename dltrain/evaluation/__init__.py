"""What a trained model is worth, and what it says of new rows.

Figures stand in `metrics`, predictions in `predictions`, pictures in `drawing`; training itself is no business of this room.
Begin with `evaluate.py`.
"""
