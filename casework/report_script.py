"""What to say when the police answer: sixty seconds, in the order in which a call handler asks (domain 6.3).

Two forms: with the name, for paper; with a blank in its place and without free words, for Telegram.
"""

import re

from casework import report_auto
from casework.facts import side_of_work
from casework.levels import Located
from casework.report_log import Reading, clean
from casework.wording import is_drill

BLANK = "________"
NO_CHILD = "DRILL: this is a rehearsal, no child is missing."  # before all else, and on each page
WORDS_IN_A_MINUTE = 170
REASONS_SAID = 3
CHECKS_SAID = 4
_SAYS_WHERE = {False: ("P03", "D20"), True: ("P03", "D20", "C06", "P06c")}  # a claimed place only once it was named
_SPOKEN_CHECKS = ("search", "contact", "ring_round", "others")


def script(reading: Reading) -> str:
    """The whole script, with the child's name and what was said of the place."""
    return _say(reading, named=True)


def without_name(reading: Reading) -> str:
    """The script with a blank for the name; neither the name nor anybody's free words stand in it."""
    said = _say(reading, named=False)
    names = [n for n in report_auto.full_name(reading).split() if len(n) > 1]
    for name in sorted(names, key=len, reverse=True):
        said = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", BLANK, said, flags=re.IGNORECASE)
    return said


def _say(reading: Reading, *, named: bool) -> str:
    parts = (
        NO_CHILD if is_drill(reading.case.code) else "",
        _opening(reading, named), _placed(reading, named), _seen(reading, named), _worried(reading), _done(reading),
        _flags(reading), _held(reading),
        "Please give me the log number and a call-back number.",
    )  # fmt: skip
    return " ".join(p for p in parts if p)


def _opening(reading: Reading, named: bool) -> str:
    what = report_auto.category(reading)
    reporting = "a concern for the welfare of a child, place known" if what.startswith("Concern") else "a missing child"
    age = reading.case.child.age
    name = report_auto.full_name(reading) if named else BLANK
    return f"I am reporting {reporting}. Name: {name}, {'age not known' if age is None else f'age {age}'}."


def _placed(reading: Reading, named: bool) -> str:
    child, register = reading.case.child, reading.register
    if child.at_home:
        return "The child lives at home."
    home = ", ".join(p for p in (clean(register.home), clean(register.town)) if p) or "our home"
    authority = clean(register.profile.get("placing_authority", "")) if named else ""
    if not child.looked_after:
        return f"The child lives at {home}."
    return f"Looked-after child{f' of {authority}' if authority else ''}, placed at {home}."


def _seen(reading: Reading, named: bool) -> str:
    case = reading.case
    starts = {"due": "Due back", "seen": "Last certainly seen", "agreed": "Agreed return"}
    start = starts.get(case.t0_kind, "Reported missing")
    place = ""
    if named:
        told = [t for t in reading.answers() if t.check in _SAYS_WHERE[case.located is not Located.NO]]
        place = f", {_short(told[-1].result)}" if told else ""
    return f"{start} {reading.when(case.t0)}{place}."


def _worried(reading: Reading) -> str:
    rules = [r.rule for r in reading.reasons() if r.rule != "H01"]
    first = [r for r in rules if r.startswith("R")] + [r for r in rules if not r.startswith("R")]
    said = [_short(reading.says(r)[0]) for r in first[:REASONS_SAID]]
    return f"We are worried because: {'; '.join(said)}." if said else ""


def _done(reading: Reading) -> str:
    """What was done to trace the child, each with its time; what was not is said too."""
    side, said = side_of_work(reading.case).value, []
    for means in _SPOKEN_CHECKS:
        for check in reading.protocol.by_means(means):
            told = [t for t in reading.answers() if t.check == check.id]
            if told:
                said.append(f"{reading.check_name(check.id)} {reading.when(told[-1].at)}")
            elif check.side in (side, "both"):
                said.append(f"{reading.check_name(check.id)}: not yet")
    return f"Done so far: {'; '.join(said[:CHECKS_SAID])}." if said else ""


def _flags(reading: Reading) -> str:
    book = reading.register.book
    flags = [book.flag.get(f, f) for f in reading.case.child.flags]
    return f"Known to us: {', '.join(flags)}." if flags else ""


def _held(reading: Reading) -> str:
    photo = " and a photo" if reading.register.photo else ""
    return f"We hold a written profile{photo}, ready to send."


def _short(words: str, most: int = 90) -> str:
    """At most so many characters, cut at a word."""
    return words.rstrip(".") if len(words) <= most else words[:most].rsplit(" ", 1)[0] + " …"
