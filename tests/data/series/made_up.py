"""Made-up monthly series of many levels, as those of the M4 competition are: trend, season of a strength of its own, noise."""

from __future__ import annotations

import numpy as np
import polars


def made_up_shops(count: int, seed: int = 0) -> polars.DataFrame:
    """Columns shop, month and sales of so many shops, 60 to 83 months each."""
    generator = np.random.default_rng(seed)
    frames = []
    for number in range(1, count + 1):
        months = np.arange(int(generator.integers(60, 84)))
        level, trend = 10 ** generator.uniform(1, 4), generator.normal(0, 0.004)
        strength, half = generator.uniform(0.02, 0.3), generator.uniform(0, 0.15)
        season = strength * np.sin(2 * np.pi * months / 12 + generator.uniform(0, 6))
        season += half * strength * np.sin(4 * np.pi * months / 12 + generator.uniform(0, 6))
        walk = np.cumsum(generator.normal(0, 0.02, len(months)))
        sales = level * np.exp(trend * months + season + walk + generator.normal(0, 0.04, len(months)))
        frames.append(
            polars.DataFrame(
                {
                    "shop": [f"shop {number}"] * len(months),
                    "month": (np.datetime64("2018-01") + months).astype(str),
                    "sales": [float(f"{value:.4g}") for value in sales],
                }
            )
        )
    return polars.concat(frames)
