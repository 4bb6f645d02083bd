"""Photos and places that people send: kept with the case as evidence; the question they were sent beside stays open."""

from casework import reading
from casework.case import Case
from handlers import inbox
from handlers.talk import Talk, split_ref
from handlers.telegram_words import about


async def photo(talk: Talk) -> None:
    """Keep a photo with its case, without what the camera wrote into it; the question stays open."""
    picture = talk.update.picture
    assert picture is not None, "a photo has a picture"
    for case in await _one(talk):
        await talk.desk.keep_media(case.case_id, "photo", picture.file_id, "image/jpeg", talk.picture)
        await inbox.note(talk.desk, case, talk.update.words, await talk.voice(case), media="photo")
        await _raise_caption(talk, case)
        await talk.say("photo_lost" if talk.picture is None else "photo_kept", case=case)


async def location(talk: Talk) -> None:
    """Keep a place with its case; it does not count as seen."""
    assert talk.update.place is not None, "a location has a place"
    spot = "{:.5f}, {:.5f}".format(*talk.update.place)
    for case in await _one(talk):
        await talk.desk.keep_media(case.case_id, "location", "", "text/plain", spot.encode())
        await inbox.note(talk.desk, case, spot, await talk.voice(case), media="location")
        await talk.say("location_kept", case=case)


async def _one(talk: Talk) -> list[Case]:
    ref, _ = split_ref(talk.update.words)
    return await about(talk, ref, raising=False)


async def _raise_caption(talk: Talk, case: Case) -> None:
    if flags := reading.worry(talk.update.words, talk.book):
        await inbox.raise_worry(talk.desk, case, "", await talk.voice(case), flags)
