-- Two letters to one address never fly at once, whichever nodes send them; each channel's next one is found by a key.

UPDATE outbox SET body = 'REPEAT: ' || body
    WHERE state = 'sending' AND channel IN ('sms', 'telegram') AND edit IS NULL AND body <> ''
    AND substr(body, 1, 8) <> 'REPEAT: ';
UPDATE outbox SET state = 'queued' WHERE state = 'sending';
CREATE UNIQUE INDEX outbox_flying ON outbox (channel, address) WHERE state = 'sending';

DROP INDEX outbox_next;
CREATE INDEX outbox_next ON outbox (channel, urgency, created_at, id, due_at, address) WHERE state = 'queued';
