"""What `dltrain report` writes: a page of a run, a sweep or several runs, as HTML or Markdown.

Begin with `contents.py`, which puts a page together; `page.py` says what a page is made of.
"""
