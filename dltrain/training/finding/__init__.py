"""What a short run tells of a training before it begins: a learning rate.

Begin with `rate.py`.
"""
