"""What is written to disk, read back and removed: runs, archives, the cache, files that a user names.

`atomic` writes wholly or not at all, `layout` knows the names of what a run consists of, `removal` removes that and nothing else,
`stored` reads back what may have been changed. Data that is not on this disk is fetched by `far`, what a file is told by
`formats`. Nothing here knows what the files mean; begin with `run.py`.
"""
