"""What is measured on a machine with a card: `measure.py`."""
