"""The folded case as a record: a copy is a copy, and nothing stands in a record but its fields."""

import dataclasses

from casework import case as records
from casework.case import Case, replace
from tests.builders import Night, a_child, local, minutes, the_protocol


def a_case_after_a_night() -> Case:
    """A case that went through the gate, the limit, a claim and a return."""
    night = Night(the_protocol(), local("2026-06-24", "20:00"))
    night.opens(a_child(), t0=night.now)
    night.answers("C01", "no")
    night.until(night.now + minutes(300))
    night.answers("R_REV", "seen")
    assert night.case is not None
    return night.case


def test_a_copy_is_the_one_that_dataclasses_would_make():
    """Copying the fields whole changes nothing but the speed."""
    case = a_case_after_a_night()
    assert dataclasses.replace(case, seq=0, reports=9) == replace(case, seq=0, reports=9)
    assert dataclasses.replace(case.police, misses=9) == replace(case.police, misses=9)
    assert case.seq != 0


def test_a_record_holds_its_fields_and_nothing_else():
    """What is remembered beside the fields would be copied along and outlive the change that makes it untrue."""
    case = a_case_after_a_night()
    _ = [getattr(case, name) for name, kind in vars(Case).items() if isinstance(kind, property)]
    assert {f.name for f in dataclasses.fields(Case)} == vars(case).keys()
    kinds = [
        kind for kind in vars(records).values() if dataclasses.is_dataclass(kind) and kind.__module__ == "casework.case"
    ]
    remembered = [name for kind in kinds for name, value in vars(kind).items() if hasattr(value, "attrname")]
    assert remembered == []
    assert Case in kinds
