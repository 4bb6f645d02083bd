-- The directory: organisations, homes, children, people, who holds which role, how they are reached.

CREATE TABLE organisation (
    id                 TEXT PRIMARY KEY,
    name               TEXT NOT NULL,
    jurisdiction       TEXT NOT NULL,
    protocol           TEXT NOT NULL,
    duty_number        TEXT NOT NULL,
    police_email       TEXT,
    report_in_telegram INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE home (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisation (id),
    kind         TEXT NOT NULL CHECK (kind IN ('children', 'supported', 'foster', 'family')),
    name         TEXT NOT NULL,
    town         TEXT NOT NULL
) STRICT;
CREATE TABLE child (
    id          TEXT PRIMARY KEY,               -- the code that people type; never a name
    home        TEXT NOT NULL REFERENCES home (id),
    first_name  TEXT NOT NULL,
    family_name TEXT NOT NULL,
    born        TEXT NOT NULL,                  -- YYYY-MM-DD
    flags       TEXT NOT NULL,                  -- JSON array
    profile     TEXT NOT NULL                   -- JSON object: the fields of the missing report, by name
) STRICT;
CREATE INDEX child_home ON child (home);
CREATE TABLE past_episode (                      -- episodes from before this house, imported with the roster
    child    TEXT NOT NULL REFERENCES child (id),
    started  INTEGER NOT NULL,
    ended    INTEGER,
    category TEXT NOT NULL,
    PRIMARY KEY (child, started)
) STRICT;
CREATE TABLE person (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisation (id),
    name         TEXT NOT NULL,
    mobile       TEXT,                          -- E.164
    email        TEXT,
    telegram_id  INTEGER,
    contact      TEXT NOT NULL CHECK (contact IN ('open', 'restricted', 'none')),
    language     TEXT NOT NULL,
    active       INTEGER NOT NULL DEFAULT 1,
    verified_at  INTEGER                        -- when the mobile was shown to be theirs
) STRICT;
CREATE UNIQUE INDEX person_telegram ON person (telegram_id) WHERE telegram_id IS NOT NULL AND active = 1;
CREATE INDEX person_mobile ON person (mobile) WHERE mobile IS NOT NULL;
CREATE INDEX person_organisation ON person (organisation);
CREATE TABLE role (
    person TEXT NOT NULL REFERENCES person (id),
    role   TEXT NOT NULL,                       -- staff manager parent coordinator deputy police owner
    scope  TEXT NOT NULL,                       -- the home of staff and managers, the child of parents, else empty
    PRIMARY KEY (person, role, scope)
) STRICT;
CREATE INDEX role_scope ON role (role, scope);
CREATE TABLE duty (
    organisation TEXT NOT NULL REFERENCES organisation (id),
    position     INTEGER NOT NULL,
    role         TEXT NOT NULL,
    home         TEXT NOT NULL,                 -- empty: every home
    person       TEXT NOT NULL REFERENCES person (id),
    from_at      INTEGER,
    until_at     INTEGER,
    PRIMARY KEY (organisation, position)
) STRICT;
CREATE TABLE invite (
    token_hash TEXT PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES person (id),
    kind       TEXT NOT NULL CHECK (kind IN ('telegram', 'mobile')),
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX invite_person ON invite (person);
