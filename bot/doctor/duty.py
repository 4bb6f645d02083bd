"""What would hurt on the night and can be seen by day: empty shifts, people whom nothing reaches, tests nobody answered."""

from collections.abc import Mapping

from bot.cli.house import clock_of
from bot.doctor.found import Found, Level
from bot.settings import Settings
from casework.errors import NotAllowed
from storage import foresight, groups, migrate
from storage.database import Database, Tx, Unusable
from storage.directory import Directory
from storage.foresight import Foreseen
from storage.planning import between, of_home, told

_SAYS: Mapping[str, tuple[Level, str, str]] = {
    "empty_shift": (
        "warn",
        "rota",
        "nobody stands on the rota as {role}{of_home} {when}; `porchlight rota set` fills it",
    ),
    "no_channel": ("bad", "people", "{person} is on call, and nothing reaches them: `porchlight rota contacts`"),
    "dead_address": ("warn", "people", "nothing arrives at {person} by {way}: mend the number or the account"),
    "open_handover": (
        "warn",
        "rota",
        "{person} has not taken over as {role}{of_home} since {since}: alerts go to both shifts",
    ),
    "no_answer": ("warn", "people", "{person} did not answer the last contact test: ring them"),
}  # a ladder with too few people at its top is found beside the others of its home


async def examine(settings: Settings) -> list[Found]:
    """Look ahead over a week; nothing where the database cannot be read, which others find."""
    try:
        database = await Database.open(settings.database_url, read_only=True)
    except (NotAllowed, Unusable, OSError):
        return []
    try:
        return await database.read(lambda tx: _inside(tx, settings))
    finally:
        await database.close()


async def _inside(tx: Tx, settings: Settings) -> list[Found]:
    if await migrate.schema_version(tx) != migrate.migrations()[-1].number:
        return []
    now, found = clock_of(settings).now(), list[Found]()
    for organisation in await Directory(tx).organisations():
        found += [_found(each) for each in await foresight.look(tx, organisation.id, now) if each.kind in _SAYS]
        found += [
            Found("warn", "group", f"the group chat{of_home(home) or ' of the duty team'} takes no alerts: {fault}")
            for home, fault in await groups.dead(tx, organisation.id)
        ]
    return found or [Found("ok", "duty", "for a week ahead each shift is filled, and everybody on call can be reached")]


def _found(each: Foreseen) -> Found:
    level, what, says = _SAYS[each.kind]
    where = of_home(each.home)
    when = "" if each.span is None else between(each.span)
    since = "" if each.span is None else told(each.span.begins)
    way = each.about.rpartition("/")[2]
    facts = {"role": each.role, "of_home": where, "when": when, "since": since, "person": each.person, "way": way}
    return Found(level, what, says.format(**facts))
