"""Every picture that a run draws, in one style (`figure.py`, where to begin)."""
