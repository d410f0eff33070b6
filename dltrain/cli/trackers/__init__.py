"""What a finished run hands to trackers of experiments.

Begin with `mlflow.py`.
"""
