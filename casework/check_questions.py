"""What the core must find among the questions of a protocol: one of each meaning, answers it understands, a "not sure".

The core knows no question by its words, only by what it means. A meaning misspelt is a question that decides nothing,
and no type and no night would show it.
"""

from collections.abc import Iterator

from casework.loading import Finding
from casework.protocol import Protocol
from casework.protocol_parts import Check

# What the core understands by an answer, by the meaning of its check: what it needs, then what it also knows.
UNDERSTOOD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "contact": (("spoke",), ("no_answer", "off", "text_only", "no_phone")),
    "voice": (("calm", "upset"), ("unsure",)),
    "place_safe": (("safe", "unsafe"), ("unsure",)),
    "search": ((), ("searched", "found", "cannot_look")),
    "ring_round": (("nobody_knows", "someone_knows"), ("not_done",)),
    "character": (("unusual", "usual"), ("unsure",)),
    "worry": (("not_worried", "worried", "very_worried"), ("a_bit",)),
    "start": (("ready",), ()),
    "W_BACK": (("seen", "no_news"), ("on_the_way", "new_worry")),
    "R_REV": (("seen", "no_news", "new_worry"), ("on_the_way",)),
    "R_NEWS": (("seen", "no_news", "new_worry"), ("on_the_way",)),
    "R_SILENT": (("seen", "no_news"), ("on_the_way", "new_worry")),
    "X_DOWN": (("seen", "no_news"), ("on_the_way", "new_worry")),
    "AWAY_CHECK": (("still_safe", "no_contact", "new_worry"), ()),
    "O_NOREF": (("number_coming", "on_hold", "not_rung"), ()),
    "O_DECLINED": (("disagree",), ()),
    "B_SEEN": (("seen", "told", "phone"), ()),
    "B_WELL": (("well", "unwell", "unsure"), ()),
    "B_POL": (("done",), ()),
    "C_UNSURE": (("risk", "none"), ("unsure",)),
    "RHI_1": (("offered", "done", "declined"), ("not_offered",)),
}
PROMPTS = tuple(means for means in UNDERSTOOD if means.isupper())
OF_EACH_SIDE = (
    "danger", "contact", "voice", "where", "place_safe", "search", "ring_round", "others", "character", "recent",
    "worry",
)  # fmt: skip
OF_PARENTS = ("start", "due")
MANDATORY = ("contact", "search", "ring_round")  # the reasonable steps (3.4)
PLAIN = ("", "danger", "where", "due", "recent", "others", "plan", "which_child")  # answers that mean nothing but flags


def questions(protocol: Protocol) -> Iterator[Finding]:
    """Questions that are missing, and answers that the core would not understand."""
    for side in ("staff", "parent"):
        yield from _of_a_side(protocol, side)
    for prompt in PROMPTS:
        if not protocol.has(prompt):
            yield Finding(f"check.{prompt}", "missing: the core asks it by this id")
        elif protocol.find(prompt).means != prompt or protocol.find(prompt).stage != "prompt":
            yield Finding(f"check.{prompt}", f"must be a prompt that means {prompt!r}")
    for check in protocol.check:
        yield from _answers(check)
        yield from _not_sure(check, protocol)
    yield from _contact(protocol)
    yield from _danger(protocol)


def _of_a_side(protocol: Protocol, side: str) -> Iterator[Finding]:
    for means in (*OF_EACH_SIDE, *(OF_PARENTS if side == "parent" else ())):
        mine = [check for check in protocol.by_means(means) if check.side in (side, "both")]
        if not mine:
            yield Finding(f"check ({side})", f"no check means {means!r}")
        elif means in MANDATORY and not any(check.mandatory for check in mine):
            yield Finding(f"check.{mine[0].id}.mandatory", "a reasonable step before a police call, so mandatory")


def _answers(check: Check) -> Iterator[Finding]:
    if check.means not in UNDERSTOOD:
        if check.means not in PLAIN and check.means != check.id:
            yield Finding(f"check.{check.id}.means", f"{check.means!r} means nothing to the core")
        return
    needed, more = UNDERSTOOD[check.means]
    meant = [option.means for option in check.options if option.means]
    for lacking in (means for means in needed if means not in meant):
        yield Finding(f"check.{check.id}.options", f"no answer means {lacking!r}")
    for strange in (means for means in meant if means not in (*needed, *more)):
        yield Finding(f"check.{check.id}.options", f"{strange!r} is no meaning of an answer that the core knows here")


def _not_sure(check: Check, protocol: Protocol) -> Iterator[Finding]:
    """`Not sure` is a real answer: on a question that may call the police it goes to a human (PR8)."""
    police = {flag.id for flag in protocol.flag if flag.route != "welfare"}
    raised = {flag for option in check.options for flag in option.raises} | set(check.yes_raises)
    raising = bool(police & raised)
    where = f"check.{check.id}"
    if check.red_flag_question and not raised and not any(option.means == "unusual" for option in check.options):
        yield Finding(f"{where}.yes_raises", "a person's Yes to `not sure` would raise nothing")
    if raising and check.stage != "prompt" and check.means != "worry" and not check.red_flag_question:
        yield Finding(f"{where}.red_flag_question", "an answer raises a red flag, so `not sure` must go to a human")
    if check.red_flag_question and not any(option.unsure for option in check.options):
        yield Finding(f"{where}.options", "no answer is `not sure` (unsure = true)")
    if (check.red_flag_question or check.mandatory) and (check.hidden_if or check.needs):
        yield Finding(where, "a red-flag or mandatory check may not be hidden")


def _contact(protocol: Protocol) -> Iterator[Finding]:
    """Speaking to the child is contact only with voice, place and safety asked (4.2)."""
    for contact in protocol.by_means("contact"):
        asked = {name for option in contact.options if option.means == "spoke" for name in option.asks}
        for means in ("voice", "where", "place_safe"):
            for check in protocol.by_means(means):
                if check.side == contact.side and check.id not in asked:
                    yield Finding(f"check.{contact.id}.spoke.asks", f"does not ask {check.id}")


def _danger(protocol: Protocol) -> Iterator[Finding]:
    routes = {flag.id: flag.route for flag in protocol.flag}
    for danger in protocol.by_means("danger"):
        if not any(routes.get(flag) == "999" for option in danger.options for flag in option.raises):
            yield Finding(f"check.{danger.id}.options", "no answer raises a 999 flag, and this asks for danger (PR1)")
