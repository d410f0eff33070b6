"""What a file is, and what it will take, by its ending and its first or last bytes; nothing is unpacked.

`other_files.py` names what is given in a table's place. What reads a table's values is in `dltrain.data`.
"""
