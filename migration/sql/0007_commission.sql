-- Commission lines and the double-entry ledger they are booked in.

-- What one partner earned or gave back through one event. Reversals are rows of their own with a
-- negative amount. For every partner and currency the amounts in a state add up to the ledger's
-- balance of that state.
CREATE TABLE commission (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    account_id BIGINT REFERENCES account (id),
    invoice_id BIGINT REFERENCES invoice (id),
    invoice_line_id BIGINT REFERENCES invoice_line (id),
    deal_id BIGINT REFERENCES deal (id),
    kind TEXT NOT NULL CHECK (kind IN ('accrual', 'reversal', 'adjustment', 'bonus', 'clawback', 'write_off')),
    reverses_id BIGINT REFERENCES commission (id),
    reference TEXT NOT NULL UNIQUE, -- the cause; booking it twice is impossible
    plan_version_id BIGINT REFERENCES plan_version (id),
    rule_name TEXT NOT NULL DEFAULT '',
    tier_name TEXT NOT NULL DEFAULT '', -- on that day
    basis BIGINT NOT NULL, -- minor units
    rate_bp BIGINT, -- none for flat amounts and brackets
    amount BIGINT NOT NULL, -- minor units; negative for what is given back
    reversed BIGINT NOT NULL DEFAULT 0 CHECK (reversed >= 0), -- cumulative, of amount
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    state TEXT NOT NULL CHECK (state IN ('pending', 'held', 'payable', 'in_payout', 'paid', 'canceled', 'reversed')),
    held_from TEXT CHECK (held_from IN ('pending', 'payable')), -- where a held line goes back to
    hold_until @time NOT NULL,
    month TEXT NOT NULL CHECK (length(month) = 7), -- YYYY-MM in the program's zone
    payout_id BIGINT, -- payout (id)
    explain @json NOT NULL, -- domain::commission::Calculation
    note TEXT, -- why, for what a person did
    earned_at @time NOT NULL, -- when the money arrived or went back
    created_at @time NOT NULL,
    CHECK ((kind = 'reversal') = (reverses_id IS NOT NULL)),
    CHECK ((state = 'held') = (held_from IS NOT NULL))
);
CREATE INDEX commission_partner ON commission (partner_id, id);
CREATE INDEX commission_state ON commission (partner_id, currency, state);
CREATE INDEX commission_maturing ON commission (hold_until) WHERE state = 'pending';
CREATE INDEX commission_line ON commission (invoice_line_id);
CREATE INDEX commission_invoice ON commission (invoice_id);
CREATE INDEX commission_reverses ON commission (reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX commission_payout ON commission (payout_id) WHERE payout_id IS NOT NULL;

-- A partner's sums per month, kept in step by the transaction that books a line.
CREATE TABLE partner_month (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    month TEXT NOT NULL, -- YYYY-MM in the program's zone
    currency TEXT NOT NULL,
    earned BIGINT NOT NULL, -- accruals, bonuses and positive adjustments
    given_back BIGINT NOT NULL, -- reversals and negative adjustments; zero or negative
    revenue BIGINT NOT NULL, -- net invoice amounts behind the accruals
    UNIQUE (partner_id, currency, month)
);

CREATE TABLE ledger_account (
    id @id,
    code TEXT NOT NULL, -- domain::ledger::AccountCode, such as partner:7:payable
    partner_id BIGINT REFERENCES partner (id),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    balance BIGINT NOT NULL, -- the sum of its postings; credits are positive
    UNIQUE (code, currency)
);
CREATE INDEX ledger_account_partner ON ledger_account (partner_id) WHERE partner_id IS NOT NULL;

CREATE TABLE ledger_transaction (
    id @id,
    reference TEXT NOT NULL UNIQUE,
    input_hash TEXT NOT NULL, -- SHA-256 of the canonical input, hex
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    commission_id BIGINT REFERENCES commission (id),
    payout_id BIGINT,
    effective_at @time NOT NULL,
    created_at @time NOT NULL
);
CREATE INDEX ledger_transaction_commission ON ledger_transaction (commission_id);

CREATE TABLE posting (
    id @id,
    transaction_id BIGINT NOT NULL REFERENCES ledger_transaction (id),
    ledger_account_id BIGINT NOT NULL REFERENCES ledger_account (id),
    amount BIGINT NOT NULL CHECK (amount <> 0) -- minor units of the account's currency; credits are positive
);
CREATE INDEX posting_transaction ON posting (transaction_id);
CREATE INDEX posting_account ON posting (ledger_account_id, id);

@append_only(ledger_transaction)
@append_only(posting)
