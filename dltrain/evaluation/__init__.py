"""Metrics, baselines, gates, predictions: what a trained model is worth."""
