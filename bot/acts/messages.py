"""What a person may do with messages that were set aside: give them new tries. The running house works them."""

from typing import Any

from bot.acts.desk_work import FINE, Act, Arguments, Said
from casework.errors import NotAllowed
from storage import inbox, views
from storage.desk import Desk


async def retry(desk: Desk, arguments: Arguments) -> Said:
    """Give one quarantined message, or every one, three new tries. Raises NotAllowed when there is none."""
    wanted: dict[str, Any] = {"state": "quarantined"}
    for name in ("source", "external_id"):
        if arguments.get(name):
            wanted[name] = str(arguments[name])
    found = await views.rows(desk.tx, "v_inbox", **wanted)
    if not found and "external_id" in wanted:
        raise NotAllowed("there is no such message in quarantine")
    for row in found:
        await inbox.again(desk.tx, row["source"], row["external_id"])
    return Said(FINE, (f"{len(found)} messages will be tried again",), [{**row, "state": "new"} for row in found])


ACTS: dict[str, Act] = {"inbox retry": retry}
