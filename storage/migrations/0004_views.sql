-- The read-only views of the public contract. Ids, never names; instants as YYYY-MM-DDTHH:MM:SS.mmmZ.

CREATE VIEW v_case AS
SELECT case_id AS id, code, organisation, child_id AS child, home, status AS state, level, located, protocol,
    instant_text(opened_at) AS opened_at,
    instant_text(t0) AS t0,
    instant_text(limit_at) AS limit_at,
    instant_text(next_due) AS next_due,
    reported_ref,
    instant_text(closed_at) AS closed_at,
    closed_by, version
FROM case_row
WHERE watch = 0;

CREATE VIEW v_event AS
SELECT seq, case_id,
    instant_text(at) AS at,
    actor, channel, kind, trust, prev_hash, hash
FROM event;

CREATE VIEW v_deadline AS
SELECT case_id, kind_of(key) AS kind,
    instant_text(due_at) AS due_at
FROM deadline;

CREATE VIEW v_report AS
SELECT case_id, version,
    instant_text(made_at) AS made_at,
    reasons, police_ref, police_ref_by
FROM report;

CREATE VIEW v_alert AS
SELECT alert_id AS id, alert.case_id, rung, alert.person, alert.channel,
    CASE WHEN alert.state <> 'live' THEN alert.state WHEN outbox.sent_at IS NULL THEN 'queued' ELSE 'sent' END AS state,
    instant_text(outbox.sent_at) AS sent_at,
    instant_text(acked_at) AS acked_at,
    acked_by,
    instant_text(alert.expires_at) AS expires_at
FROM alert LEFT JOIN outbox ON outbox.id = alert.letter_id;

CREATE VIEW v_inbox AS
SELECT source, external_id,
    instant_text(received_at) AS received_at,
    state
FROM inbox;

CREATE VIEW v_task AS
SELECT case_id || ':' || position AS id, case_id, kind, owner_role,
    instant_text(due_at) AS due_at,
    instant_text(done_at) AS done_at,
    done_by, outcome
FROM task;

-- Patterns of concern come with a later part; the view is there so that its columns are.
CREATE VIEW v_pattern AS
SELECT NULL AS id, NULL AS rule, NULL AS subject, NULL AS first_at, NULL AS last_at, NULL AS evidence, NULL AS state
WHERE 1 = 0;
