"""What the data is before it is read: from its beginning, or from the list of datasets."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from dltrain.config.types import DataConfig
from dltrain.config.types.data import IMAGE
from dltrain.data.facts import DataFacts, facts_of, in_one_fold
from dltrain.data.sources import check_source, find_source
from dltrain.data.sources.arguments import UNREAD, refuse_missing_files
from dltrain.data.sources.source import listed_facts
from dltrain.data.transform_widths import transformed_facts
from dltrain.errors import ConfigError, DltrainError, Note, UsageError
from dltrain.storage.far.copies import fetching
from dltrain.storage.far.failure import NotFetchedError

FILE_SOURCES = ("csv", "parquet", "npz")  # of the user's own files, in which nothing is known before they are read


def require_files(config: DataConfig) -> None:
    """Look whether the user's files are there, before anything takes time; far ones are not asked for.

    Args:
        config: the `data:` block.

    Raises:
        DataError: some are not, at the keys that name them.
    """
    if config.source in FILE_SOURCES:
        with fetching(False), contextlib.suppress(NotFetchedError):
            refuse_missing_files(config)


def read_facts(config: DataConfig, *, seed: int, fetch: bool = True) -> DataFacts:
    """Look at the beginning of the data: schema, sizes and faults; a small table is read whole.

    Args:
        config: the `data:` block.
        seed: of the split.
        fetch: far files are fetched; else only copies that are there already are looked at.

    Returns:
        Facts whose `errors` say what is wrong with the data; nothing is raised for that.
    """
    config = in_one_fold(config)
    # The steps of scikit-learn are arithmetic here: fitting them would take its import, and time.
    plain = replace(config, transform=())
    if IMAGE in (config.features or {}).values():  # pictures that a table names are not opened
        plain = replace(plain, arguments={**plain.arguments, UNREAD: True})

    def whole() -> DataFacts:
        from dltrain.data.load import load_dataset

        return facts_of(load_dataset(plain, seed=seed))

    try:
        if config.preprocessing is not None:
            from dltrain.data.kept.run import check_kept

            check_kept(config)
        check_source(plain)
        with fetching(fetch):
            facts = listed_facts(plain) or find_source(plain.source).look(plain, seed=seed, whole=whole)
    except NotFetchedError as error:
        said = f"{error.faults[0].message}: what it holds is known when it is"
        facts = DataFacts(notes=(Note(said + (f" ({error.faults[0].hint})" if error.faults[0].hint else "")),))
    except UsageError:  # an environment variable: nothing of the data
        raise
    except DltrainError as error:
        facts = DataFacts(errors=error.faults, blames_config=isinstance(error, ConfigError))
    if config.preprocessing is not None:  # its steps are in there already
        return facts
    return transformed_facts(config, facts)
