-- What is sent, for whom, by which account of ours, and what a person has to decide about it.

-- The name by which a transfer is found at Stripe; none: `portico-payout-<id>`, as it was before names carried
-- the installation's random part, or nothing was sent yet.
ALTER TABLE payout ADD COLUMN transfer_group TEXT;
-- The platform's account (acct_…) and mode with which it was sent first.
ALTER TABLE payout ADD COLUMN platform TEXT;
ALTER TABLE payout ADD COLUMN livemode @bool;
-- How often Stripe refused the key's request for want of balance: each further try has a key of its own.
ALTER TABLE payout ADD COLUMN key_round BIGINT NOT NULL DEFAULT 0;
-- The transfer as Stripe listed it when it was believed; none for those booked before.
ALTER TABLE payout ADD COLUMN transfer_amount BIGINT;
ALTER TABLE payout ADD COLUMN transfer_currency TEXT;
ALTER TABLE payout ADD COLUMN transfer_destination TEXT;

-- What an approved run waits for, in words for people.
ALTER TABLE payout_run ADD COLUMN waits_for TEXT;
ALTER TABLE payout_run ADD COLUMN waits_since @time;

-- What only a person can say about a payout: whether its transfer was made.
CREATE TABLE payout_question (
    id @id,
    payout_id BIGINT NOT NULL REFERENCES payout (id),
    why TEXT NOT NULL,
    asked_at @time NOT NULL,
    answer TEXT CHECK (answer IN ('made', 'never_made', 'found')), -- found: Stripe listed it later, nobody had to answer
    answered_at @time,
    answered_by BIGINT REFERENCES person (id),
    reason TEXT,
    CHECK ((answer IS NULL) = (answered_at IS NULL))
);
CREATE UNIQUE INDEX payout_question_open ON payout_question (payout_id) WHERE answered_at IS NULL;

-- Nothing is sent while a row of this is open.
CREATE TABLE sending_stop (
    id @id,
    kind TEXT NOT NULL CHECK (kind IN ('unknown_transfers', 'platform')),
    why TEXT NOT NULL,
    stopped_at @time NOT NULL,
    released_at @time,
    released_by BIGINT REFERENCES person (id), -- none: it was over by itself
    reason TEXT
);
CREATE UNIQUE INDEX sending_stop_open ON sending_stop (kind) WHERE released_at IS NULL;

-- What a difference is about, so that it can be booked.
ALTER TABLE discrepancy ADD COLUMN payout_id BIGINT REFERENCES payout (id);
ALTER TABLE discrepancy ADD COLUMN transfer_id TEXT;
ALTER TABLE discrepancy ADD COLUMN partner_id BIGINT REFERENCES partner (id);

-- The request for a partner's account at Stripe, kept before it is sent: repeated, it is the same to the letter.
CREATE TABLE payout_account_request (
    partner_id BIGINT PRIMARY KEY REFERENCES partner (id),
    idempotency_key TEXT NOT NULL,
    body @json NOT NULL,
    made_at @time NOT NULL
);
