-- Payout accounts, runs, and the transfers that leave.

-- The partner's Stripe account as last retrieved.
CREATE TABLE payout_account (
    id @id,
    partner_id BIGINT NOT NULL UNIQUE REFERENCES partner (id),
    stripe_id TEXT NOT NULL UNIQUE, -- acct_…
    state TEXT NOT NULL CHECK (state IN ('incomplete', 'under_review', 'ready', 'restricted', 'closed')),
    requirements @json NOT NULL, -- what is still needed, from whom, by when
    deadline_at @time,
    checked_at @time NOT NULL,
    created_at @time NOT NULL
);

CREATE TABLE payout_run (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    number TEXT NOT NULL UNIQUE, -- such as 2026-11-A
    status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'approved', 'waiting_for_balance', 'sending', 'done', 'canceled')),
    cutoff_at @time NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    created_by BIGINT REFERENCES person (id), -- none: drafted by the calendar
    submitted_by BIGINT REFERENCES person (id),
    approved_by BIGINT REFERENCES person (id),
    second_approved_by BIGINT REFERENCES person (id),
    needs_second @bool NOT NULL,
    policy_version_id BIGINT NOT NULL REFERENCES policy_version (id),
    created_at @time NOT NULL,
    submitted_at @time,
    approved_at @time,
    done_at @time,
    CHECK (approved_by IS NULL OR (approved_by <> created_by AND approved_by <> submitted_by)),
    CHECK (second_approved_by IS NULL OR (second_approved_by <> approved_by AND second_approved_by <> created_by AND second_approved_by <> submitted_by))
);

-- Every partner and currency with a balance: in the run, or left out with the reason.
CREATE TABLE payout_item (
    id @id,
    run_id BIGINT NOT NULL REFERENCES payout_run (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL, -- payable at the cut-off, minor units
    included @bool NOT NULL,
    reason TEXT, -- why it is left out
    decided_by BIGINT REFERENCES person (id), -- finance, where a person excluded it
    UNIQUE (run_id, partner_id, currency)
);

-- One transfer. Frozen before money moves; the idempotency key is its own.
CREATE TABLE payout (
    id @id,
    run_id BIGINT NOT NULL REFERENCES payout_run (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    amount BIGINT NOT NULL CHECK (amount > 0), -- minor units
    destination TEXT NOT NULL, -- acct_…
    idempotency_key TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('intended', 'sending', 'unknown', 'paid', 'failed', 'reversed')),
    transfer_id TEXT UNIQUE, -- tr_…
    reversed BIGINT NOT NULL DEFAULT 0 CHECK (reversed >= 0 AND reversed <= amount), -- of amount, taken back at Stripe, cumulative
    failure TEXT, -- in words
    attempts BIGINT NOT NULL DEFAULT 0,
    sent_at @time, -- first time Stripe was called
    settled_at @time,
    created_at @time NOT NULL
);
CREATE UNIQUE INDEX payout_one_open ON payout (partner_id, currency) WHERE status IN ('intended', 'sending', 'unknown');
CREATE INDEX payout_partner ON payout (partner_id, created_at);
CREATE INDEX payout_run_payouts ON payout (run_id);

-- Stripe's own payouts from the connected account to its bank.
CREATE TABLE bank_payout (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- po_…
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    arrival_at @time,
    failure TEXT,
    updated_at @time NOT NULL -- time of the newest event applied
);

-- A difference between ledger, payouts and Stripe, until finance settles it with a reason.
CREATE TABLE discrepancy (
    id @id,
    reference TEXT NOT NULL UNIQUE, -- the finding; found again it is the same row
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    ours BIGINT,
    theirs BIGINT,
    currency TEXT,
    found_at @time NOT NULL,
    settled_at @time,
    settled_by BIGINT REFERENCES person (id),
    reason TEXT
);
