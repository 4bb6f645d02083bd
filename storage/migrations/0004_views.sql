-- The read-only views of the public contract. Ids, never names; instants as YYYY-MM-DDTHH:MM:SS.mmmZ.

CREATE VIEW v_case AS
SELECT case_id AS id, code, organisation, child_id AS child, home, status AS state, level, located, protocol,
    strftime('%Y-%m-%dT%H:%M:%S', opened_at / 1000, 'unixepoch') || printf('.%03dZ', opened_at % 1000) AS opened_at,
    strftime('%Y-%m-%dT%H:%M:%S', t0 / 1000, 'unixepoch') || printf('.%03dZ', t0 % 1000) AS t0,
    strftime('%Y-%m-%dT%H:%M:%S', limit_at / 1000, 'unixepoch') || printf('.%03dZ', limit_at % 1000) AS limit_at,
    strftime('%Y-%m-%dT%H:%M:%S', next_due / 1000, 'unixepoch') || printf('.%03dZ', next_due % 1000) AS next_due,
    reported_ref,
    strftime('%Y-%m-%dT%H:%M:%S', closed_at / 1000, 'unixepoch') || printf('.%03dZ', closed_at % 1000) AS closed_at,
    closed_by, version
FROM case_row
WHERE watch = 0;

CREATE VIEW v_event AS
SELECT seq, case_id,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS at,
    actor, channel, kind, trust, prev_hash, hash
FROM event;

CREATE VIEW v_deadline AS
SELECT case_id, substr(key, 1, instr(key || ':', ':') - 1) AS kind,
    strftime('%Y-%m-%dT%H:%M:%S', due_at / 1000, 'unixepoch') || printf('.%03dZ', due_at % 1000) AS due_at
FROM deadline;

CREATE VIEW v_report AS
SELECT case_id, version,
    strftime('%Y-%m-%dT%H:%M:%S', made_at / 1000, 'unixepoch') || printf('.%03dZ', made_at % 1000) AS made_at,
    reasons, police_ref, police_ref_by
FROM report;

CREATE VIEW v_alert AS
SELECT alert_id AS id, alert.case_id, rung, alert.person, alert.channel,
    CASE WHEN alert.state <> 'live' THEN alert.state WHEN outbox.sent_at IS NULL THEN 'queued' ELSE 'sent' END AS state,
    strftime('%Y-%m-%dT%H:%M:%S', outbox.sent_at / 1000, 'unixepoch') || printf('.%03dZ', outbox.sent_at % 1000)
        AS sent_at,
    strftime('%Y-%m-%dT%H:%M:%S', acked_at / 1000, 'unixepoch') || printf('.%03dZ', acked_at % 1000) AS acked_at,
    acked_by,
    strftime('%Y-%m-%dT%H:%M:%S', alert.expires_at / 1000, 'unixepoch') || printf('.%03dZ', alert.expires_at % 1000)
        AS expires_at
FROM alert LEFT JOIN outbox ON outbox.id = alert.letter_id;

CREATE VIEW v_inbox AS
SELECT source, external_id,
    strftime('%Y-%m-%dT%H:%M:%S', received_at / 1000, 'unixepoch') || printf('.%03dZ', received_at % 1000)
        AS received_at,
    state
FROM inbox;

CREATE VIEW v_task AS
SELECT case_id || ':' || position AS id, case_id, kind, owner_role,
    strftime('%Y-%m-%dT%H:%M:%S', due_at / 1000, 'unixepoch') || printf('.%03dZ', due_at % 1000) AS due_at,
    strftime('%Y-%m-%dT%H:%M:%S', done_at / 1000, 'unixepoch') || printf('.%03dZ', done_at % 1000) AS done_at,
    done_by, outcome
FROM task;

-- Patterns of concern come with a later part; the view is there so that its columns are.
CREATE VIEW v_pattern AS
SELECT NULL AS id, NULL AS rule, NULL AS subject, NULL AS first_at, NULL AS last_at, NULL AS evidence, NULL AS state
WHERE 0;
