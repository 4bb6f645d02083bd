"""The report on paper: tagged, self-contained, the same bytes each time, and no name lost for want of a glyph."""

from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from bot.layout.glyphs import FOLDER, characters, cmap, printable
from bot.layout.pdf import pages, pdf
from casework.case import replace
from casework.events import NoteMade
from casework.report import MissingReport, as_text
from casework.report_script import NO_CHILD
from tests.builders import minutes
from tests.casework.test_report import a_night, hear, report

NAMES = ("Łukasiewicz-Ó", "محمد", "李明", "Nguyễn", "Ивана", "Zoë")
HOSTILE = '#panic("x") *b* $x$ `raw` <b> {{7*7}} \\ @ref = // /* [x] _'


def read(made: MissingReport) -> PdfReader:
    return PdfReader(BytesIO(pdf(made)))


def words(made: MissingReport) -> str:
    return " ".join(" ".join(page.extract_text() for page in read(made).pages).split())


def test_every_name_can_be_read_back_from_the_page() -> None:
    """Latin, Arabic, Han, Vietnamese, Cyrillic: drawn, and found by whoever searches the file."""
    found = words(report(a_night(), first_name=" ".join(NAMES)))
    assert [] == [name for name in NAMES if name not in found]


def test_the_file_is_tagged_and_claims_its_standards() -> None:
    """PDF/UA for a screen reader, PDF/A for the years it must stay readable; title and language are set."""
    file = read(report(a_night()))
    root = file.root_object
    assert "{'/Marked': True, '/Suspects': False}" == str(root["/MarkInfo"])
    assert "/StructTreeRoot" in root
    assert "en-GB" == str(root["/Lang"])
    assert file.xmp_metadata is not None
    claims = file.xmp_metadata.stream.get_data().decode()
    assert "pdfuaid:part" in claims
    assert "pdfaid:part" in claims and "pdfaid:conformance" in claims


def test_every_font_is_in_the_file() -> None:
    """No machine needs a font of its own."""
    file = read(report(a_night(), first_name=" ".join(NAMES)))
    objects = [file.get_object(number) for number in sorted(file.xref[0])]
    described = [o for o in objects if isinstance(o, DictionaryObject) and o.get("/Type") == "/FontDescriptor"]
    drawn = {str(d["/FontName"]).partition("+")[2].partition("-")[0] for d in described}
    assert {"NotoSans", "NotoSansArabic"} < drawn
    assert [] == [d["/FontName"] for d in described if not {"/FontFile2", "/FontFile3"} & d.keys()]


def test_the_same_report_is_the_same_bytes() -> None:
    """A fixed date and no chance: a copy can be proved to be one."""
    made = report(a_night())
    assert pdf(made) == pdf(made)


def test_nothing_typed_is_read_as_markup() -> None:
    """B042: what looks like code is printed as it is."""
    assert HOSTILE in words(report(a_night(), family_name=HOSTILE))


def test_what_no_font_can_draw_is_printed_as_its_number() -> None:
    """typst says nothing of a missing glyph; an empty box would be a name lost."""
    assert "[U+1F600]" == printable("😀")
    assert "".join(NAMES) == printable("".join(NAMES))
    assert "Kai [U+12A4]" in words(report(a_night(), family_name="ኤ"))


@settings(max_examples=25)
@given(typed=st.text(min_size=1, max_size=200))
def test_nothing_typed_costs_the_police_their_report(typed: str) -> None:
    """Whatever stands in a name or an answer, the file is made: typst refuses a glyph it lacks, so none is lacking."""
    assert pdf(report(a_night(), family_name=typed, profile={"hair": typed}))


def test_joiners_of_persian_names_break_no_file() -> None:
    """A zero-width joiner has no glyph and needs none; it must not cost the police their report."""
    assert pdf(report(a_night(), family_name="می‌خواهم Zo‍ë"))


def test_the_cmap_is_read_right() -> None:
    """Letters the fonts surely have, and some they surely lack."""
    regular = cmap((FOLDER / "NotoSans-Regular.ttf").read_bytes())
    assert {ord(c) for c in "AŁőЖΩễ€"} <= regular
    assert not {ord("李"), ord("م"), 0xFFFF} & regular
    assert {ord(c) for c in "李明محمد"} <= characters()
    assert not set(range(32)) & characters()


def test_the_words_of_a_whole_night_fit() -> None:
    """5,000 characters of somebody's fear break no page; the first page begins with what to read out."""
    night = a_night()
    hear(night, NoteMade, words="long")
    made = report(night, words={"long": "she is gone " * 420})
    assert words(made).count("she is gone") >= 420
    assert words(made).index("Read this out") < words(made).index("Why we are worried")
    assert len(pages(made)) == len(read(made).pages)


def test_the_licence_of_each_font_lies_beside_it() -> None:
    """Fonts may be shipped only with their licences."""
    assert {"OFL.txt", "Apache-2.0.txt"} <= {p.name for p in FOLDER.iterdir()}


def a_photo() -> bytes:
    made = BytesIO()
    Image.new("RGB", (2400, 1600), (200, 120, 40)).save(made, "JPEG")
    return made.getvalue()


def test_photos_and_places_that_were_sent_in_are_shown() -> None:
    """Each with who sent it and when; the picture itself in the page, small enough to send on; a lost one says so."""
    night = a_night()
    for media in ("photo", "location", "photo"):
        hear(night, NoteMade, media=media)
    made = report(night)
    assert ["photo", "location", "photo"] == [x.kind for x in made.evidence]
    printed = pdf(made, (a_photo(), None))
    file = PdfReader(BytesIO(printed))
    pictures = [picture for page in file.pages for picture in page.images]
    sizes = [picture.image.size for picture in pictures if picture.image is not None]
    assert [max(size) for size in sizes] == [1000]
    text = " ".join(" ".join(page.extract_text() for page in file.pages).split())
    assert "Sent in with the case" in text and "The picture could not be kept." in text
    assert len(printed) < 400_000


def test_a_drills_report_says_so_on_each_page_and_before_anything_is_read_out() -> None:
    """Paper leaves the rehearsal: no page of it may be taken for a child who is out, and no word be read to the police."""
    night = a_night()
    night.now += minutes(5)
    hear(night, NoteMade, words="long")
    real = report(night, words={"long": "she is gone " * 420})
    assert night.case is not None
    night.case = replace(night.case, code="X17")
    drill = report(night, words={"long": "she is gone " * 420})
    printed = [" ".join(page.extract_text().split()) for page in read(drill).pages]
    assert len(printed) > 1 and [] == [page for page in printed if NO_CHILD not in page]
    assert drill.script.startswith(f"{NO_CHILD} I am reporting") and drill.script_without_name.startswith(NO_CHILD)
    assert f"DRILL: {real.category}" == drill.category and as_text(drill).startswith("DRILL")
    assert "DRILL" not in words(real) + as_text(real) + real.model_dump_json()
