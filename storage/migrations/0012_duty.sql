-- The rota: shifts, overrides and leave, who took a duty over; the monthly contact test; group chats; what was warned of.

CREATE TABLE shift (
    shift_id     TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisation (id),
    kind         TEXT NOT NULL CHECK (kind IN ('shift', 'override', 'leave')),
    role         TEXT NOT NULL,                 -- empty for leave: it is the person who is away
    home         TEXT NOT NULL,                 -- empty: every home
    line         INTEGER NOT NULL,              -- the smallest that has anybody is alerted, the next is second in line
    person       TEXT NOT NULL REFERENCES person (id),
    instead_of   TEXT NOT NULL,                 -- whom an override replaces; empty: all of its line
    days         TEXT NOT NULL,                 -- weekdays on which it begins, 1 Monday to 7; empty: once
    begins       TEXT NOT NULL,                 -- HH:MM on London's wall clock, of one by the week
    ends         TEXT NOT NULL,
    from_at      INTEGER,
    until_at     INTEGER,
    made_at      INTEGER NOT NULL,
    made_by      TEXT NOT NULL,
    ended_by     TEXT                           -- who cut it short: it ends at until_at then
) STRICT;
CREATE INDEX shift_place ON shift (organisation, home);
CREATE INDEX shift_person ON shift (person);

CREATE TABLE handover (
    handover_id  TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisation (id),
    role         TEXT NOT NULL,
    home         TEXT NOT NULL,                 -- empty: every home
    person       TEXT NOT NULL REFERENCES person (id),
    begins_at    INTEGER NOT NULL,
    until_at     INTEGER NOT NULL,
    digits       TEXT NOT NULL,                 -- what a text must carry to take the duty over
    asked_at     INTEGER NOT NULL,
    reminders    INTEGER NOT NULL DEFAULT 0,
    accepted_at  INTEGER,
    UNIQUE (organisation, role, home, person, begins_at)
) STRICT;
CREATE INDEX handover_waiting ON handover (until_at) WHERE accepted_at IS NULL;
CREATE INDEX handover_accepted ON handover (organisation, accepted_at) WHERE accepted_at IS NOT NULL;

CREATE TABLE contact_test (
    organisation TEXT NOT NULL REFERENCES organisation (id),
    person       TEXT NOT NULL REFERENCES person (id),
    asked_at     INTEGER NOT NULL,
    digits       TEXT NOT NULL,
    reminded_at  INTEGER,
    answered_at  INTEGER,
    channel      TEXT,                          -- by which they answered
    told_at      INTEGER,                       -- when it was told that they did not
    PRIMARY KEY (person, asked_at)
) STRICT;
CREATE INDEX contact_test_organisation ON contact_test (organisation, asked_at);

CREATE TABLE group_chat (
    organisation TEXT NOT NULL REFERENCES organisation (id),
    home         TEXT NOT NULL,                 -- empty: the organisation's duty team
    chat_id      INTEGER NOT NULL,
    bound_at     INTEGER NOT NULL,
    bound_by     TEXT NOT NULL,
    dead_at      INTEGER,
    fault        TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (organisation, home)
) STRICT;
CREATE UNIQUE INDEX group_chat_chat ON group_chat (chat_id) WHERE dead_at IS NULL;

-- Addresses at which nothing arrives any more, until something does.
CREATE TABLE dead_channel (
    person  TEXT NOT NULL REFERENCES person (id),
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    since   INTEGER NOT NULL,
    fault   TEXT NOT NULL,
    PRIMARY KEY (person, channel)
) STRICT;

-- What was warned of before it hurts, and of which rung of a case it was said that nobody holds it: each once.
CREATE TABLE duty_warning (
    organisation TEXT NOT NULL REFERENCES organisation (id),
    kind         TEXT NOT NULL,                 -- empty_shift no_channel short_ladder open_handover no_answer
    about        TEXT NOT NULL,
    since        INTEGER NOT NULL,
    told_at      INTEGER,
    PRIMARY KEY (organisation, kind, about)
) STRICT;
CREATE TABLE empty_rung (
    case_id TEXT NOT NULL,
    role    TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    PRIMARY KEY (case_id, role)
) STRICT;
