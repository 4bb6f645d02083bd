-- Until when the node that is sending a letter has it in hand; after that another may take it for lost.

ALTER TABLE outbox ADD COLUMN held_until INTEGER;
