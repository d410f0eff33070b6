"""`code:` of a config: files that are read once and looked through without being imported.

Read `read.py` first; `files.py` opens files, `source.py` finds what they register, `signatures.py` what its arguments are.
"""
