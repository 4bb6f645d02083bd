"""What the database says: can it be written, is everybody there who will be needed, do the protocols load."""

from collections.abc import Iterator

from bot.cli.house import clock_of, database_file
from bot.doctor.found import Found, Level
from bot.protocols import shelf
from bot.settings import Settings
from bot.socket import NobodyHome, hand_over
from casework.errors import NotAllowed
from casework.evolve import FOLD
from storage import migrate, pins, refolding, rota
from storage.database import Database, Tx, Unusable, name_of
from storage.directory import Directory, Home, Person

LADDER = ("coordinator", "deputy", "manager", "owner")
CONTACTS_AT_THE_TOP = 2  # the last rung goes to everybody: one phone must not be everybody


async def examine(settings: Settings) -> list[Found]:
    """Look at the database and what it holds."""
    try:
        found = [await _writable(settings)]
        database = await Database.open(settings.database_url, read_only=True)
    except (NotAllowed, Unusable, OSError) as fault:
        return [Found("bad", "database", f"it cannot be used: {fault}")]
    try:
        return found + await database.read(lambda tx: _inside(tx, settings))
    finally:
        await database.close()


async def _writable(settings: Settings) -> Found:
    """Whether the database can be written: by the house that runs, or by one that would start now."""
    file = database_file(settings)
    if file is not None and not file.exists():
        raise NotAllowed(f"there is none at {file}; `porchlight migrate` makes one")
    if not isinstance(await hand_over(settings.var, name_of(settings.database_url), "ping", {}), NobodyHome):
        return Found("ok", "database", "a house is running on it and answers")
    database = await Database.open(settings.database_url)
    try:
        await database.write(migrate.schema_version)
    finally:
        await database.close()
    return Found("ok", "database", "it can be written; no house is running on it")


async def _inside(tx: Tx, settings: Settings) -> list[Found]:
    version, newest = await migrate.schema_version(tx), max(each.number for each in migrate.migrations())
    if version != newest:
        return [Found("bad", "schema", f"schema {version}, and this program needs {newest}: `porchlight migrate`")]
    directory, found = Directory(tx), [Found("ok", "schema", f"schema {version}"), *await _fold(tx)]
    organisations = await directory.organisations()
    if not organisations:
        found.append(Found("bad", "people", "nobody is known yet: `porchlight import FILE` takes a roster"))
    for organisation in organisations:
        found.append(_protocol(settings, organisation.id, organisation.protocol))
        people = await directory.people(organisation.id)
        found += [*_people(people), *await _pins(tx, settings, people)]
        for home in await directory.homes(organisation.id):
            found += await _ladder(directory, home, settings)
    return found


async def _fold(tx: Tx) -> list[Found]:
    """Whether the cases stand as this program folds them."""
    if await refolding.stands_by(tx) != FOLD:
        return [Found("bad", "fold", "the cases stand as another program left them: `porchlight migrate`")]
    left = await refolding.unfolded(tx)
    says = f"these cases could not be folded anew and stand as another program left them: {', '.join(left)}"
    return [Found("bad", "fold", says)] if left else []


def _protocol(settings: Settings, organisation: str, name: str) -> Found:
    held = shelf(settings.protocols)
    if name not in held:
        return Found("bad", "protocol", f"{organisation}: {name} does not load: `porchlight protocol list`")
    status = held[name].protocol.status
    if status == "retired":
        return Found("bad", "protocol", f"{organisation}: {name} is retired: no case can be opened")
    if status == "draft":
        return Found("warn", "protocol", f"{organisation}: {name} is a draft: a safeguarding lead has not signed it")
    return Found("ok", "protocol", f"{organisation}: {name} is approved")


def _people(people: list[Person]) -> Iterator[Found]:
    for person in people:
        if person.active and person.contact == "open" and person.parent_of and not person.verified:
            yield Found("warn", "people", f"{person.person_id} may be asked, but their number is not verified yet:"
                        f" `porchlight person invite {person.person_id}`")  # fmt: skip


async def _pins(tx: Tx, settings: Settings, people: list[Person]) -> list[Found]:
    """Whether those who may be rung could take an alert on the telephone."""
    found, now = [], clock_of(settings).now()
    for person in people if "voice" in settings.ways else ():
        if not (person.active and person.on_call and person.rung_at):
            continue
        pin, mend = await pins.find(tx, person.person_id), f"`porchlight person pin {person.person_id}`"
        if pin is None:
            found.append(
                Found("warn", "pins", f"{person.person_id} has no PIN, and could take no alert by phone: {mend}")
            )
        elif pin.spent:
            found.append(Found("bad", "pins", f"{person.person_id}'s PIN is locked after wrong ones: {mend}"))
        elif pin.locked(now):
            found.append(Found("warn", "pins", f"{person.person_id}'s PIN is locked for a quarter of an hour"))
    return found


async def _ladder(directory: Directory, home: Home, settings: Settings) -> list[Found]:
    """Whether somebody who can be reached stands on each rung for this home, and more than one at its top (T25)."""
    now, found, everybody = clock_of(settings).now(), [], set[str]()
    for role in LADDER:
        held = await rota.on_duty(directory, home.organisation, role, home.id, now)
        reached = [person.person_id for person in held.people if person.telegram_id is not None or person.mobile]
        everybody.update(reached)
        if held.stand_in or not reached:
            level: Level = "bad" if role == "coordinator" else "warn"
            found.append(Found(level, "ladder", f"{home.id}: nobody who can be reached is {role} now ({held.why})"))
    if len(everybody) < CONTACTS_AT_THE_TOP:
        says = f"{home.id}: the last rung reaches {len(everybody)} people; at least two are needed"
        found.append(Found("bad", "ladder", says))
    return found or [Found("ok", "ladder", f"{home.id}: every rung reaches somebody")]
