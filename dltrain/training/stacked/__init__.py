"""Several fits that differ in numbers only, trained together as one compiled program over stacked weights."""
