-- An address at which nothing arrives any more is a task: somebody mends it. A letter that was held up is looked at once, and
-- then goes another way.

ALTER TABLE outbox ADD COLUMN passed_on INTEGER;

DROP VIEW v_task;
CREATE VIEW v_task AS
SELECT case_id || ':' || position AS id, case_id, kind, owner_role,
       instant_text(due_at) AS due_at,
       instant_text(done_at) AS done_at,
       done_by, outcome
FROM task
UNION ALL
SELECT 'mend:' || person || ':' || channel, NULL, 'MEND', 'coordinator', instant_text(since), NULL, NULL, ''
FROM dead_channel;
