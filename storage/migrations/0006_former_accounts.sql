-- Somebody who was cut off is known again: the account they had opens nothing, and who answers for their home hears of it.

ALTER TABLE person ADD COLUMN former_telegram_id INTEGER;
ALTER TABLE person ADD COLUMN knocked_at INTEGER;    -- when it was last told that they tried, milliseconds UTC
CREATE INDEX person_former_telegram ON person (former_telegram_id) WHERE former_telegram_id IS NOT NULL;
