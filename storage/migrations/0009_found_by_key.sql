-- What is looked for every few milliseconds is found by a key, among a million as among ten.

CREATE INDEX child_code ON child (lower(id));       -- however it was typed

DROP INDEX outbox_unsent;
DROP INDEX outbox_case;
CREATE INDEX outbox_case ON outbox (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX outbox_next ON outbox (urgency, created_at, id, due_at) WHERE state = 'queued';
CREATE INDEX outbox_in_hand ON outbox (held_until) WHERE state = 'sending';
