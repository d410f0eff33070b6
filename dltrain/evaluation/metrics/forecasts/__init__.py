"""What is reported of series: errors in their own units and beside simple forecasts.

Begin with `forecast.py`.
"""
