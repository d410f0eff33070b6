"""What is written to disk and removed from it.

`layout` knows the names of what a run consists of, `removal` removes that and nothing else, `outputs` guards the files that a
user names. Nothing here knows what the files mean.
"""
