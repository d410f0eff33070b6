"""Data that is not on this disk: `https://`, `s3://` and the like, fetched into the cache and named by their address.

`copies.py` first: what an address becomes.
"""
