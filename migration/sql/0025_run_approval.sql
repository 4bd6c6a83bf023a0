-- What an approval was of, who had a hand in a run, what people took out of it, and how far a large
-- run is frozen.

ALTER TABLE payout_run ADD COLUMN fingerprint TEXT; -- SHA-256 of what the run's page shows, hex
ALTER TABLE payout_run ADD COLUMN counted_to BIGINT NOT NULL DEFAULT 0; -- commission.id; later earnings are the next run's
ALTER TABLE payout_run ADD COLUMN frozen_to BIGINT NOT NULL DEFAULT 0; -- payout_item.id, while an approved run is frozen in pieces
ALTER TABLE payout_run ADD COLUMN frozen_at @time; -- when every item was frozen or left out
UPDATE payout_run SET frozen_at = approved_at WHERE status NOT IN ('draft', 'submitted');
UPDATE payout_run SET counted_to = (SELECT coalesce(max(id), 0) FROM commission) WHERE status IN ('draft', 'submitted');

ALTER TABLE payout_item ADD COLUMN lines BIGINT; -- how many lines the amount is made of
ALTER TABLE payout_item ADD COLUMN line_sum BIGINT; -- of their ids, so that other lines of the same sum are seen
ALTER TABLE payout_item ADD COLUMN stage TEXT; -- approval or sending, where it was left out then

-- What a person took out of a run, whatever the rules say, until a person puts it back.
CREATE TABLE payout_exclusion (
    id @id,
    run_id BIGINT NOT NULL REFERENCES payout_run (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    excluded_by BIGINT NOT NULL REFERENCES person (id),
    excluded_at @time NOT NULL,
    lifted_by BIGINT REFERENCES person (id),
    lifted_at @time,
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX payout_exclusion_one ON payout_exclusion (run_id, partner_id, currency) WHERE lifted_at IS NULL;
INSERT INTO payout_exclusion (run_id, partner_id, currency, reason, excluded_by, excluded_at)
    SELECT i.run_id, i.partner_id, i.currency, coalesce(i.reason, ''), i.decided_by, r.created_at
    FROM payout_item i JOIN payout_run r ON r.id = i.run_id WHERE i.decided_by IS NOT NULL;
UPDATE payout_item SET reason = NULL WHERE decided_by IS NOT NULL;

-- Who composed a run: whoever is here does not approve it. The rows stay when it is sent back.
CREATE TABLE payout_run_hand (
    id @id,
    run_id BIGINT NOT NULL REFERENCES payout_run (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    did TEXT NOT NULL, -- domain::payout::Did
    fingerprint TEXT, -- of the run afterwards
    at @time NOT NULL
);
CREATE INDEX payout_run_hand_run ON payout_run_hand (run_id);
INSERT INTO payout_run_hand (run_id, person_id, did, at)
    SELECT id, created_by, 'drafted', created_at FROM payout_run WHERE created_by IS NOT NULL;
INSERT INTO payout_run_hand (run_id, person_id, did, at)
    SELECT subject_id, actor_id, CASE action WHEN 'payout_run.submitted' THEN 'submitted'
        WHEN 'payout_run.excluded' THEN 'excluded' ELSE 'put_back' END, at
    FROM event WHERE subject_type = 'payout_run' AND actor_id IS NOT NULL
        AND action IN ('payout_run.submitted', 'payout_run.excluded', 'payout_run.included')
        AND EXISTS (SELECT 1 FROM payout_run r WHERE r.id = event.subject_id);

-- What was submitted, word for word, so that a later difference can be named and an approval be
-- held against it.
CREATE TABLE payout_submission (
    id @id,
    run_id BIGINT NOT NULL REFERENCES payout_run (id),
    fingerprint TEXT NOT NULL,
    content TEXT NOT NULL, -- domain::payout::Content
    submitted_by BIGINT NOT NULL REFERENCES person (id),
    submitted_at @time NOT NULL
);
CREATE INDEX payout_submission_run ON payout_submission (run_id);

-- Each approval with the fingerprint of what its person was shown.
CREATE TABLE payout_approval (
    id @id,
    run_id BIGINT NOT NULL REFERENCES payout_run (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    fingerprint TEXT NOT NULL,
    approved_at @time NOT NULL
);
CREATE INDEX payout_approval_run ON payout_approval (run_id);

-- Stripe does not pay to a partner's country: it said so, and is not asked again until the country
-- or the account is another.
CREATE TABLE payout_country_refusal (
    id @id,
    partner_id BIGINT NOT NULL UNIQUE REFERENCES partner (id),
    country TEXT NOT NULL,
    account TEXT, -- acct_…; none where Stripe refused to make one
    said TEXT NOT NULL, -- Stripe's own sentence
    refused_at @time NOT NULL
);

CREATE INDEX payout_run_open ON payout (run_id) WHERE status IN ('intended', 'sending', 'unknown');

@append_only(payout_run_hand)
@append_only(payout_submission)
@append_only(payout_approval)
