"""Every field of the missing report (domain, section 7): group, label, sensitivity, where it comes from.

The name of a field is also its key in a child's `profile`, so that what the register knows prints without Python.
"""

from dataclasses import dataclass
from typing import Literal

Sensitivity = Literal["S1", "S2", "S3", "S4"]

GROUPS = {
    "A": "Report",
    "B": "Reporter",
    "C": "Child",
    "D": "Description",
    "E": "Last seen",
    "F": "What the child has",
    "G": "What was done",
    "H": "Risk",
    "I": "History",
    "J": "Places and people",
    "K": "Approach",
    "L": "Others missing",
    "M": "Who was told",
}


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field. `checks`: the questions whose answers fill it; `automatic`: the log fills it."""

    group: str
    name: str
    label: str
    sensitivity: Sensitivity
    checks: tuple[str, ...] = ()
    automatic: bool = False

    @property
    def id(self) -> str:
        return f"{self.group}.{self.name}"


def _log(group: str, name: str, label: str, sensitivity: Sensitivity = "S1") -> FieldRule:
    return FieldRule(group, name, label, sensitivity, automatic=True)


def _ask(group: str, name: str, label: str, sensitivity: Sensitivity, *checks: str) -> FieldRule:
    return FieldRule(group, name, label, sensitivity, checks)


def _register(group: str, sensitivity: Sensitivity, **labels: str) -> tuple[FieldRule, ...]:
    return tuple(FieldRule(group, name, label, sensitivity) for name, label in labels.items())


FIELDS: tuple[FieldRule, ...] = (
    _log("A", "ref", "Case ref"),
    _log("A", "protocol", "Protocol and version"),
    _log("A", "generated", "Information as at"),
    _log("A", "generated_by", "Made by"),
    _log("A", "channel", "Reported by way of"),
    _log("A", "category", "Category", "S3"),
    _log("A", "level", "Our level", "S3"),
    _log("A", "police_number", "Police log number"),
    _log("A", "police_given", "Log number given"),
    _log("A", "police_answer", "What the police decided"),
    _log("A", "police_review", "Police review time"),
    *_register(
        "A",
        "S1",
        police_call_taker="Call-taker",
        police_call_back="Police call-back number",
        police_grading="Grading told",
    ),
    _log("B", "reporter", "Reporter", "S2"),
    _log("B", "reporter_phone", "Reporter's phone", "S2"),
    _log("B", "organisation", "Organisation", "S2"),
    _log("B", "relationship", "Relationship", "S2"),
    *_register(
        "B",
        "S2",
        safe_to_call_back="Safe to call back",
        reporter_language="Reporter's language",
    ),
    _log("B", "voice_ok", "Can speak on the phone", "S2"),
    _ask("B", "on_call_manager", "On-call manager", "S2", "D21"),
    _log("B", "home", "Home", "S2"),
    *_register(
        "B", "S2", home_address="Home's address", home_phone="Home's phone", out_of_hours_phone="Out-of-hours phone"
    ),
    _log("C", "full_name", "Full name", "S2"),
    _log("C", "born", "Date of birth", "S2"),
    _log("C", "age", "Age", "S2"),
    *_register(
        "C", "S2", names="Other names, nicknames", birthplace="Birthplace", sex="Sex or gender", pronouns="Pronouns"
    ),
    *_register(
        "C",
        "S3",
        ethnicity="Ethnicity",
        nationality="Nationality",
        first_language="First language",
        interpreter="Interpreter",
        religion="Religion, if relevant",
        address="Home address",
        placement_type="Placement type",
        placing_authority="Responsible local authority",
        host_authority="Host local authority",
        legal_status="Legal status",
    ),
    _log("C", "plan", "Child protection plan", "S3"),
    *_register(
        "C",
        "S2",
        social_worker="Social worker and team",
        edt_phone="EDT phone",
        iro="IRO",
        school="School or college",
        gp="GP",
        dentist="Dentist",
    ),
    _ask("C", "social_worker_told", "Social worker or EDT told", "S2", "D22"),
    *_register(
        "C",
        "S3",
        placement_start="Placement start",
        last_move="Last move",
        school_status="School status",
        substances="Substances",
        mental_health="Mental health",
        parents="Parents or PR holders",
    ),
    _ask("C", "parents_told", "Parents told", "S3", "D23"),
    *_register(
        "D",
        "S2",
        height="Height",
        build="Build",
        hair="Hair",
        facial_hair="Facial hair",
        eyes="Eyes",
        glasses="Glasses",
        complexion="Complexion",
        accent="Accent",
        marks="Marks, scars, tattoos, piercings",
        teeth="Teeth",
        gait="Gait",
    ),
    _ask("D", "profile_current", "Profile still right", "S2", "D25"),
    _log("D", "photo", "Photo", "S2"),
    *_register(
        "D", "S3", mobility="Mobility aids", senses="Hearing and sight", communication="Communication", gps="GPS device"
    ),
    _ask("D", "clothing", "Clothing now", "S2", "D24", "P17"),
    _log("E", "clock", "Clock started"),
    _log("E", "reported", "Reported"),
    _log("E", "gap", "Gap to the report"),
    _ask("E", "last_seen", "Last seen where, with whom", "S4", "P03", "P02", "C00"),
    _ask("E", "whereabouts", "What is known of the whereabouts", "S4", "C06", "P06c"),
    _ask("E", "intended", "Intended plan, and whether it happened", "S2", "D20"),
    _ask("F", "phone", "Phones, accounts (names only), cards", "S2", "D27"),
    _ask("F", "gone", "What is gone; note or post", "S3", "D18", "P05"),
    *_register(
        "F",
        "S2",
        phone_number="Phone number",
        phone_make="Phone make",
        online_names="Online names",
        cards="Cards and passes",
        passport="Passport",
    ),
    _ask("F", "weather_ready", "Clothes for the weather, money, way home", "S2", "D19", "P14"),
    _ask("G", "search", "Home and grounds searched", "S1", "C03", "P04"),
    _ask("G", "contact", "Child rung and messaged", "S1", "C04", "P06"),
    _ask("G", "contacts", "Contacts rung, with result", "S4", "C08", "P07"),
    _ask("G", "others_asked", "Others asked", "S4", "C09", "P15"),
    _log("G", "notes", "Other words on the case", "S4"),
    _log("H", "flags", "Red flags", "S3"),
    _log("H", "factors", "Factors", "S3"),
    _log("H", "unsure", "Answered 'not sure'", "S3"),
    _ask("H", "danger", "In danger now", "S3", "C01", "P01"),
    _ask("H", "character", "Out of character", "S3", "C10", "P08"),
    _ask("H", "signs", "Signs today or this week", "S3", "C11", "P11"),
    _ask("H", "health", "Medicine and health", "S3", "D13", "D14", "P10"),
    *_register(
        "H",
        "S3",
        medicine="Medicine: dose times, and what if missed",
        allergies="Allergies",
        self_harm="Self-harm: what is known",
    ),
    _ask("H", "exploitation", "Signs of exploitation", "S4", "D15", "P12"),
    _ask("H", "threat", "Threat to or from others", "S4", "D16", "P13"),
    *_register("H", "S4", suspects="Suspected persons, vehicles, places"),
    *_register(
        "H",
        "S3",
        orders="Orders and conditions",
        warnings="Warning markers, hazards at the address",
        abuse="Domestic abuse, forced marriage, honour, FGM, radicalisation",
    ),
    _log("H", "weather", "Dark at the time of report"),
    _ask("H", "worry", "Reporter's own worry", "S2", "C12", "P16"),
    _log("I", "episodes", "Episodes in 90 days", "S3"),
    _ask("I", "before", "Missing before, harm then", "S3", "D17", "P09"),
    _log("I", "history", "Episodes and absences on file", "S3"),
    _ask("J", "places", "Likely places, people", "S4", "D26", "P18"),
    *_register("J", "S4", approved="Approved people", associates="Associates", risk_places="Risk-assessed places"),
    _ask("K", "approach", "How to approach", "S3", "D28"),
    *_register(
        "K",
        "S3",
        speak="How to speak to the child",
        triggers="Triggers",
        trusted_adult="Trusted adult",
        safe_word="Safe word",
    ),
    *_register("K", "S2", publicity="Authority to publish"),
    _log("L", "linked", "Other children missing (refs)", "S4"),
    _log("M", "told", "On-call people, and who took it"),
    _log("M", "notices", "Duties to tell"),
)
