"""Columns that are kept: as the run has learnt them, read as this file is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dltrain.config.types import DataConfig
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.reading import Reading
from dltrain.data.kept.run import KeptRun, read_kept, require_kind
from dltrain.data.raw import RawTable
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import DataError, Fault, Note, capped
from dltrain.wording import column_hint, counted, listed, shown_column


@dataclass(frozen=True, slots=True)
class KeptTable:
    """The columns of a run.

    Attributes:
        run: whose they are.
        table: what was learnt.
        last_known: of a series: whether the last known value stands for a missing one.
    """

    run: KeptRun
    table: TablePreprocessing
    last_known: bool = True

    def asking(self, config: DataConfig) -> DataConfig:
        """The block with the run's columns as its features."""
        return replace(config, features={column.name: column.kind for column in self.table.features})

    def require(self, config: DataConfig, raw: RawTable) -> None:
        """All of the run's columns must be there (raises DataError)."""
        have = raw.frame.columns
        missing = [column.name for column in self.table.features if column.name not in have]
        if missing:
            where = raw.origin[0][1] if raw.origin else config.source
            raise DataError(capped([self._lacks(config, name, where, have) for name in missing]))

    def _lacks(self, config: DataConfig, name: str, where: str, have: Sequence[str]) -> Fault:
        message = f"{where} has no column {name}, from which {self.run.name} learns"
        return self.run.fault(config, message, column_hint(name, have))

    def reading(self, config: DataConfig, found: Reading) -> Reading:
        """How text becomes values: the run's words and units, written as this file is.

        Args:
            config: the block.
            found: as it is read without a run.
        """
        stored, own = self.table.reading, {column.name for column in self.table.features}
        others = {name: unit for name, unit in (found.units or {}).items() if name not in own}
        return replace(
            found,
            missing=stored.missing if config.missing is None else found.missing,
            replace={**(stored.replace or {}), **(found.replace or {})},
            gaps=tuple(dict.fromkeys([*stored.gaps, *found.gaps])),
            units=stored.units if stored.units is None else {**others, **stored.units},
        )

    def columns(self, found: Sequence[FeatureColumn]) -> list[FeatureColumn]:
        """The run's columns in their order; of this file they have how its dates are written, and where its pictures are."""
        here = {column.name: column for column in found}
        return [
            replace(
                column,
                date_format=here[column.name].date_format,
                images=here[column.name].images,
                on_error=here[column.name].on_error,
            )
            for column in self.table.features
        ]

    def told(self, config: DataConfig, raw: RawTable) -> list[Note]:
        """Notes for the user: whose columns are used, and which of the table's are not among them."""
        count = counted(len(self.table.features), "column")
        notes = [
            Note(
                f"preprocessing of {self.run.name}: {count}, as it has learnt {'them' if len(self.table.features) > 1 else 'it'}"
            )
        ]
        split = config.split
        known = {column.name for column in self.table.features} | {*config.target, *raw.target, *config.drop, *config.identifiers}
        known |= {name for name in (config.weight, split.column, split.group, split.time) if name}
        known |= {*config.series.time, *config.series.id} if config.series is not None else set()
        surplus = [shown_column(name) for name in raw.frame.columns if name not in known]
        if surplus:
            notes.append(Note(f"left out, which {self.run.name} does not know: {listed(surplus, 20)}"))
        return notes


def kept_table(config: DataConfig, kind: str = TablePreprocessing.kind) -> KeptTable | None:
    """The run's columns where the config keeps them.

    Args:
        config: the `data:` block.
        kind: of a preprocessing of tables, or of series.

    Raises:
        ConfigError: see `read_kept`, or it was trained on something else.
    """
    kept = read_kept(config)
    if kept is None:
        return None
    require_kind(config, kept, kind)
    found = kept.preprocessing
    if isinstance(found, SeriesPreprocessing):
        return KeptTable(kept, found.table, found.last_known)
    assert isinstance(found, TablePreprocessing)
    return KeptTable(kept, found)
