"""What is said of keys and components: `dltrain explain`, the JSON Schema for editors, examples.

Begin with `explain.py`.
"""
