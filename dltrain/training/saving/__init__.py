"""What a fit leaves on disk: model files, the state to go on from, the manifest.

Whole-or-not writing stands in `storage.atomic`; begin with `record.py`.
"""
