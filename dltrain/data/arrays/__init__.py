"""Arrays that stand on disk and are read row by row: pixels and the values of frozen layers.

Archives of arrays that a user gives are read by `storage.arrays`. Begin with `disk_array.py`.
"""
