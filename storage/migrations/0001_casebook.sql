-- The casebook: cases, their log, and what follows from them. Instants are integers, milliseconds UTC.

CREATE TABLE case_row (
    case_id      TEXT PRIMARY KEY,
    code         TEXT NOT NULL,
    code_kept    INTEGER NOT NULL DEFAULT 1,   -- 0 once the case has been closed for 30 days: the code is free again
    organisation TEXT NOT NULL,
    home         TEXT NOT NULL,
    child_id     TEXT NOT NULL,
    watch        INTEGER NOT NULL,             -- 1: a watch that has not become a case
    status       TEXT NOT NULL,
    level        TEXT NOT NULL,
    located      TEXT NOT NULL,
    protocol     TEXT NOT NULL,
    severity     INTEGER NOT NULL,             -- larger is worse: the order in which overdue cases are served
    opened_at    INTEGER NOT NULL,
    t0           INTEGER NOT NULL,
    limit_at     INTEGER,
    next_due     INTEGER,
    reported_ref TEXT,
    closed_at    INTEGER,
    closed_by    TEXT,
    version      INTEGER NOT NULL,             -- units of work that changed this case
    events       INTEGER NOT NULL,             -- length of its log
    head         TEXT NOT NULL,                -- hash of the last entry of its log
    folded       TEXT NOT NULL,                -- the case as JSON, beside the log that is the truth
    CHECK (status = 'closed' OR next_due IS NOT NULL)  -- P1: no open case without a deadline
) STRICT;
-- A child who is back may go missing again before the manager has signed the end of the first case: that is a new case.
CREATE UNIQUE INDEX case_row_one_out_a_child ON case_row (child_id) WHERE status NOT IN ('returned', 'closed');
CREATE UNIQUE INDEX case_row_code ON case_row (code) WHERE code_kept = 1;
CREATE INDEX case_row_due ON case_row (next_due) WHERE next_due IS NOT NULL;
CREATE INDEX case_row_open_in_home ON case_row (organisation, home) WHERE status <> 'closed';
CREATE INDEX case_row_closed ON case_row (closed_at) WHERE code_kept = 1 AND status = 'closed';
CREATE INDEX case_row_child ON case_row (child_id, opened_at);

CREATE TABLE case_reporter (
    case_id TEXT NOT NULL REFERENCES case_row (case_id),
    person  TEXT NOT NULL,
    PRIMARY KEY (case_id, person)
) STRICT;
CREATE INDEX case_reporter_person ON case_reporter (person);

CREATE TABLE event (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id     TEXT NOT NULL REFERENCES case_row (case_id) DEFERRABLE INITIALLY DEFERRED,
    position    INTEGER NOT NULL,              -- 1, 2, 3 … within its case
    at          INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    kind        TEXT NOT NULL,
    trust       TEXT NOT NULL,
    body        TEXT NOT NULL,                 -- canonical JSON: all of the above and the event itself
    prev_hash   TEXT NOT NULL,
    hash        TEXT NOT NULL,
    UNIQUE (case_id, position)
) STRICT;
-- only sqlite
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
-- end only
-- only postgresql
CREATE FUNCTION log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$;
CREATE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE ON event
FOR EACH ROW EXECUTE FUNCTION log_is_append_only();
CREATE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON event
FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only();
-- end only

-- Free text, names and pictures lie apart from the log, by id.
CREATE TABLE words (
    words_id TEXT PRIMARY KEY,
    child_id TEXT,
    case_id  TEXT,
    made_at  INTEGER NOT NULL,
    body     TEXT NOT NULL
) STRICT;
CREATE INDEX words_case ON words (case_id) WHERE case_id IS NOT NULL;
CREATE TABLE media (
    media_id TEXT PRIMARY KEY,
    case_id  TEXT NOT NULL REFERENCES case_row (case_id),
    kind     TEXT NOT NULL,
    file_id  TEXT NOT NULL,
    mime     TEXT NOT NULL,
    made_at  INTEGER NOT NULL,
    data     BLOB
) STRICT;
CREATE INDEX media_case ON media (case_id);

CREATE TABLE deadline (
    case_id TEXT NOT NULL REFERENCES case_row (case_id),
    key     TEXT NOT NULL,                     -- the kind, and after a colon which of several
    due_at  INTEGER NOT NULL,
    PRIMARY KEY (case_id, key)
) STRICT;
CREATE INDEX deadline_due ON deadline (due_at);

CREATE TABLE task (
    case_id    TEXT NOT NULL REFERENCES case_row (case_id),
    position   INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    owner_role TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    done_at    INTEGER,
    done_by    TEXT,
    outcome    TEXT NOT NULL,
    PRIMARY KEY (case_id, position)
) STRICT;

CREATE TABLE report (
    case_id       TEXT NOT NULL REFERENCES case_row (case_id),
    version       INTEGER NOT NULL,
    made_at       INTEGER NOT NULL,
    reasons       TEXT NOT NULL,
    police_ref    TEXT,
    police_ref_by TEXT,
    PRIMARY KEY (case_id, version)             -- P5: one report a version, for ever
) STRICT;

CREATE TABLE alert (
    alert_id   TEXT PRIMARY KEY,
    case_id    TEXT NOT NULL REFERENCES case_row (case_id),
    letter_id  TEXT NOT NULL,
    rung       INTEGER NOT NULL,
    person     TEXT NOT NULL,
    channel    TEXT NOT NULL,
    digits     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('live', 'taken', 'lapsed', 'ended')),
    made_at    INTEGER NOT NULL,
    acked_at   INTEGER,
    acked_by   TEXT,
    expires_at INTEGER
) STRICT;
CREATE INDEX alert_case ON alert (case_id, person);
CREATE INDEX alert_live ON alert (person) WHERE state IN ('live', 'taken');
CREATE INDEX alert_letter ON alert (letter_id);

-- What a button of a Telegram message stands for; the message itself carries only the token.
CREATE TABLE button (
    token      TEXT PRIMARY KEY,
    case_id    TEXT,
    person     TEXT NOT NULL,
    action     TEXT NOT NULL,
    check_id   TEXT NOT NULL,
    value      TEXT NOT NULL,
    prompt_at  INTEGER NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER,
    used_by    TEXT
) STRICT;
CREATE INDEX button_case ON button (case_id, person);

-- Ticks of a list that was not sent off yet, and the message that is a person's card of a case.
CREATE TABLE tick (
    case_id  TEXT NOT NULL,
    person   TEXT NOT NULL,
    check_id TEXT NOT NULL,
    ticked   TEXT NOT NULL,
    PRIMARY KEY (case_id, person, check_id)
) STRICT;
CREATE TABLE card (
    case_id    TEXT NOT NULL,
    person     TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (case_id, person)
) STRICT;

CREATE TABLE inbox (
    source      TEXT NOT NULL,
    external_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    raw         TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('new', 'done', 'ignored', 'quarantined')),
    tries       INTEGER NOT NULL DEFAULT 0,
    fault       TEXT NOT NULL DEFAULT '',
    case_id     TEXT,
    conflicts   INTEGER NOT NULL DEFAULT 0,    -- repeats that came with another body
    PRIMARY KEY (source, external_id)
) STRICT;
-- only postgresql
ALTER TABLE inbox ADD COLUMN rowid BIGINT GENERATED BY DEFAULT AS IDENTITY;  -- the order of coming, as SQLite keeps it
CREATE UNIQUE INDEX inbox_rowid ON inbox (rowid);
-- end only
CREATE INDEX inbox_waiting ON inbox (received_at) WHERE state = 'new';

-- The six digits that a verified parent texts with BACK: one a case and parent, five tries (P9).
CREATE TABLE reply_code (
    case_id      TEXT NOT NULL,
    person       TEXT NOT NULL,
    digits       TEXT NOT NULL,
    wrong        INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER,
    PRIMARY KEY (case_id, person)
) STRICT;
