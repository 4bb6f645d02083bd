"""The language of nights: what a script can say, what is told when it cannot be read, and that no difference goes unseen."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.cli.simulate import everything
from bot.protocols import shelf
from bot.scenario import BadScenario, Line, Scenario, clock, differences, in_order, parse, updated, written
from bot.simulate import simulated

HEAD = '[[scenario]]\nid = "N1"\ntitle = "A night"\nstart = "2026-10-24T23:30"\nnight = \'\'\'\n'
NIGHT = """# why
23:30 alice: /watch W2 00:30
00:00Z -> alice telegram: one ⏎ two
00:02Z cass sms: ACK A17 4821
00:40Z down
01:25Z up
01:25Z [state=missing]"""


def a_night(script: str = NIGHT) -> Scenario:
    (found,) = parse(f"{HEAD}{script}\n'''\n", protocol="england/base/2026-01-01")
    return found


def s1() -> Scenario:
    return next(each.scenario for each in everything() if each.scenario.scenario_id == "S1")


def test_a_script_is_written_as_it_was_read() -> None:
    """Reading and writing lose nothing: remarks, other channels, line breaks, both passes of the repeated hour."""
    night = a_night()
    assert written(night.lines) == NIGHT.splitlines()
    assert night.lines[2] == Line(datetime(2026, 10, 25, tzinfo=UTC), "said", "alice", "telegram", "one\ntwo")
    assert night.lines[3].channel == "sms"


def test_the_repeated_hour_is_written_in_utc() -> None:
    """01:30 comes twice that night; nobody may have to guess which is meant."""
    assert [clock(datetime(2026, 10, 25, hour, 30, tzinfo=UTC)) for hour in (0, 1, 2)] == ["00:30Z", "01:30Z", "02:30"]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("alice: No", "line 1: no time"),
        ("20:00 alice: No\n24:99 alice: No", "line 2: no such time"),
        ("20:00 what is this", "line 1: not understood"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(script: str, says: str) -> None:
    """A practitioner who edits a night is told which line is wrong."""
    with pytest.raises(BadScenario, match=f"N1: {says}"):
        a_night(script)


@pytest.mark.parametrize(
    "text",
    ["[[scenario", "scenario = 3", '[[scenario]]\nid = "N1"', f"{HEAD.replace('2026-10-24', 'soon')}'''"],
)
def test_a_file_that_is_no_scenario_is_refused(text: str) -> None:
    """Whatever the file holds, it is refused in words."""
    with pytest.raises(BadScenario):
        parse(text, protocol="england/base/2026-01-01")


async def test_a_missing_message_and_an_extra_one_are_both_seen() -> None:
    """The bar: any message nobody expected fails, and so does a missing one."""
    night = s1()
    transcript = await simulated(night, shelf(None))
    assert differences(night, transcript) == []
    said = [place for place, line in enumerate(night.lines) if line.kind == "said"]
    for place in said:
        less = replace(night, lines=(*night.lines[:place], *night.lines[place + 1 :]))
        assert any(line.startswith("+2") for line in differences(less, transcript)), "an extra message"
        more = replace(night, lines=(*night.lines[: place + 1], *night.lines[place:]))
        assert any(line.startswith("-2") for line in differences(more, transcript)), "a missing message"


def test_messages_of_one_moment_have_one_order() -> None:
    """Who reads first within a minute is no part of the contract."""
    at = datetime(2026, 6, 10, 20, 0, tzinfo=UTC)
    pair = [Line(at, "said", who, "sms", "x") for who in ("pat", "cass")]
    assert in_order(pair) == in_order(pair[::-1])


def test_rewriting_a_night_touches_only_its_script() -> None:
    """`--update` writes what was played; titles, remarks and the other nights stay."""
    text = f"{HEAD}{NIGHT}\n'''\n\n{HEAD.replace('N1', 'N2')}{NIGHT}\n'''\n"
    changed = updated(text, "N2", a_night().lines[:2])
    assert changed.startswith(f"{HEAD}{NIGHT}\n'''\n")
    assert changed.endswith("night = '''\n# why\n23:30 alice: /watch W2 00:30\n'''\n")
    with pytest.raises(BadScenario):
        updated(text, "N3", [])


def test_the_command_plays_a_night_by_its_id(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`porchlight simulate S1` prints the night and says that it is as its file says."""
    assert main(["simulate", "S1"], {}, tmp_path) == 0
    printed = capsys.readouterr().out
    assert "21:20 -> alice telegram: A17: absence logged 21:20. Next check 22:00." in printed
    assert printed.rstrip().endswith("as the file says")


def test_the_command_says_which_lines_differ(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file whose night goes otherwise is a finding: exit 1, and the lines."""
    file = tmp_path / "mine.scenarios.toml"
    file.write_text(HEAD.replace("10-24", "06-10") + "23:30 alice: /open\n23:30 -> alice telegram: Hello.\n'''\n")
    assert main(["simulate", str(file), "--json"], {}, tmp_path) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert told["as_written"] is False
    assert "-23:30 -> alice telegram: Hello." in told["differences"]
    assert main(["simulate", str(file), "--update"], {}, tmp_path) == 0
    assert main(["simulate", str(file)], {}, tmp_path) == 0


def test_a_night_that_nobody_wrote_is_a_mistake_of_the_typist(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Usage: exit 2, and the ids there are."""
    assert main(["simulate", "S99"], {}, tmp_path) == 2
    assert "S12" in capsys.readouterr().err
