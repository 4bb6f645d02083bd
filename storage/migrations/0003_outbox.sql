-- The outbox: every letter on its way to one person by one channel, from the commit that called it forth to its receipt.

CREATE TABLE outbox (
    id          TEXT PRIMARY KEY,
    case_id     TEXT,
    person      TEXT,
    channel     TEXT NOT NULL,
    address     TEXT NOT NULL,
    text        TEXT NOT NULL,                  -- the text's id in the catalogue
    body        TEXT NOT NULL,
    keyboard    TEXT NOT NULL,                  -- JSON rows of [label, token]
    kind        TEXT NOT NULL,                  -- alert question notice reply report
    urgency     INTEGER NOT NULL,               -- smaller goes first
    edit        INTEGER,                        -- the Telegram message it edits in place
    protect     INTEGER NOT NULL,
    document    TEXT,
    case_card   INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (
        state IN ('queued', 'sending', 'sent', 'delivered', 'failed', 'expired', 'cancelled')),
    tries       INTEGER NOT NULL DEFAULT 0,
    provider_id TEXT,
    fault       TEXT NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    sent_at     INTEGER,
    expires_at  INTEGER
) STRICT;
CREATE INDEX outbox_unsent ON outbox (due_at, urgency) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_case ON outbox (case_id) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_provider ON outbox (provider_id) WHERE provider_id IS NOT NULL;

-- only postgresql
CREATE FUNCTION instant_text(ms BIGINT) RETURNS TEXT LANGUAGE sql STABLE
RETURN to_char(to_timestamp(ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
CREATE FUNCTION kind_of(key TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE RETURN split_part(key, ':', 1);
-- end only

CREATE VIEW v_outbox AS
SELECT id, case_id, person, channel, kind, state, tries, provider_id,
    instant_text(created_at) AS created_at,
    instant_text(due_at) AS due_at,
    instant_text(sent_at) AS sent_at
FROM outbox;
