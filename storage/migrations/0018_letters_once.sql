-- A letter is written once for each case, cause, person and channel: its cause is the entry of the log that called it forth,
-- or itself where none did. A letter may have left without our knowing (since when), and its receipt may be late (when to ask).

ALTER TABLE outbox ADD COLUMN cause TEXT;
ALTER TABLE outbox ADD COLUMN doubt_since INTEGER;
ALTER TABLE outbox ADD COLUMN look_at INTEGER;

DROP INDEX outbox_case;
CREATE UNIQUE INDEX outbox_once ON outbox (case_id, cause, person, channel) WHERE case_id IS NOT NULL;
CREATE INDEX outbox_unproved ON outbox (look_at) WHERE look_at IS NOT NULL;
