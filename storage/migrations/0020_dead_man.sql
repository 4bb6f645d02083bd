-- Texts that lie at the provider for the case that this house dies: one a case, person and deadline. Instants in ms UTC.

CREATE TABLE dead_man (
    case_id     TEXT NOT NULL,
    person      TEXT NOT NULL,
    address     TEXT NOT NULL,
    due_at      INTEGER NOT NULL,              -- the deadline it stands for
    send_at     INTEGER NOT NULL,              -- when it leaves unless it is called back
    state       TEXT NOT NULL CHECK (state IN ('asked', 'stands', 'refused')),
    provider_id TEXT,                          -- the provider's name for it, once it stands
    fault       TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (case_id, person, address, due_at)
) STRICT;
CREATE INDEX dead_man_address ON dead_man (address);
