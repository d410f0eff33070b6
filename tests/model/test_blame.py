"""Errors of a config's own code are told as such; those of others are not."""

from __future__ import annotations

from dltrain.model.own_code.blame import fault_of


def test_an_error_that_stands_behind_itself_is_looked_through_once():
    try:
        try:
            raise OSError("first")
        except OSError as error:
            try:
                raise ValueError("second") from error
            except ValueError as second:
                assert second.__cause__ is not None
                raise second.__cause__ from None
    except OSError as error:
        assert error.__context__ is not None
        assert error.__context__.__cause__ is error
        assert fault_of(error) is None
