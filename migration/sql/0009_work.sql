-- Webhook inbox, outbox and jobs, mail, notices and the audit trail.

-- Every event as it came, once per id.
CREATE TABLE webhook_event (
    id @id,
    event_id TEXT NOT NULL UNIQUE, -- evt_…
    type TEXT NOT NULL,
    payload TEXT NOT NULL, -- the raw body
    livemode @bool NOT NULL,
    happened_at @time NOT NULL,
    received_at @time NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('received', 'processed', 'ignored', 'failed')),
    attempts BIGINT NOT NULL DEFAULT 0,
    next_attempt_at @time,
    error TEXT,
    processed_at @time
);
CREATE INDEX webhook_event_waiting ON webhook_event (id) WHERE status = 'received';

-- Work to do after the transaction that asked for it: mail, Stripe calls, reminders.
CREATE TABLE job (
    id @id,
    kind TEXT NOT NULL,
    payload @json NOT NULL,
    dedupe_key TEXT UNIQUE, -- asking twice is asking once
    run_at @time NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    claimed_until @time, -- a worker that dies loses its claim
    status TEXT NOT NULL CHECK (status IN ('waiting', 'done', 'dead')),
    error TEXT,
    created_at @time NOT NULL,
    finished_at @time
);
CREATE INDEX job_due ON job (run_at) WHERE status = 'waiting';

CREATE TABLE mail (
    id @id,
    person_id BIGINT REFERENCES person (id),
    to_address TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL, -- plain text
    sent_at @time,
    created_at @time NOT NULL
);

CREATE TABLE notice (
    id @id,
    person_id BIGINT NOT NULL REFERENCES person (id),
    text TEXT NOT NULL,
    link TEXT NOT NULL, -- path in the portal
    read_at @time,
    created_at @time NOT NULL
);
CREATE INDEX notice_person ON notice (person_id, read_at);

-- Who did what and when: the timeline of each record and the audit log of the whole.
CREATE TABLE event (
    id @id,
    at @time NOT NULL,
    actor_id BIGINT REFERENCES person (id), -- none: the portal itself
    action TEXT NOT NULL, -- such as deal.approved
    subject_type TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    partner_id BIGINT REFERENCES partner (id),
    internal @bool NOT NULL, -- never shown to partners
    summary TEXT NOT NULL, -- a sentence
    detail @json NOT NULL, -- before and after
    request_id TEXT NOT NULL
);
CREATE INDEX event_subject ON event (subject_type, subject_id, id);
CREATE INDEX event_partner ON event (partner_id, id);

@append_only(event)
