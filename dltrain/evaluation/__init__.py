"""Evaluation of a trained model, and its predictions for new rows.

Metrics and baselines stand in `metrics`, predictions in `predictions`, masks of pixels in `masks`, what a model looks at in
`importance`, what is wrong with a fit in `diagnosis`, pictures in `drawing`, `trace` in `tracing`. Training is not done here.
Begin with `evaluate.py`.
"""
