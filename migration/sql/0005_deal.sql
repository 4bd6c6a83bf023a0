-- Accounts (the customers' companies), deal registrations and their protection.

-- One company, keyed by its registrable domain. Attribution is to accounts, never to contacts.
CREATE TABLE account (
    id @id,
    name TEXT NOT NULL,
    normalised_name TEXT NOT NULL,
    country TEXT,
    house @bool NOT NULL, -- an account the vendor's own sales works; closed to partners
    created_at @time NOT NULL
);
CREATE INDEX account_name ON account (normalised_name);

CREATE TABLE account_domain (
    id TEXT PRIMARY KEY, -- registrable domain, punycode
    account_id BIGINT NOT NULL REFERENCES account (id)
);
CREATE INDEX account_domain_account ON account_domain (account_id);

CREATE TABLE deal (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    person_id BIGINT NOT NULL REFERENCES person (id), -- who registered it
    account_id BIGINT REFERENCES account (id), -- known from submission on
    status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'in_review', 'information_requested', 'approved', 'rejected', 'duplicate', 'won', 'lost', 'expired', 'withdrawn', 'revoked')),
    stage TEXT NOT NULL, -- the partner's sales stage
    customer_name TEXT NOT NULL DEFAULT '',
    customer_domain TEXT NOT NULL DEFAULT '', -- registrable
    customer_country TEXT NOT NULL DEFAULT '',
    contact_name TEXT NOT NULL DEFAULT '',
    contact_email TEXT NOT NULL DEFAULT '',
    need TEXT NOT NULL DEFAULT '',
    competitors TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '',
    value BIGINT CHECK (value >= 0), -- first year, minor units of `currency`
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    term_months BIGINT CHECK (term_months > 0),
    expected_close DATE,
    answers @json NOT NULL, -- custom question id → answer
    conflicts @json NOT NULL, -- what the checks found at submission: list of domain::deal::Conflict
    duplicate_of_id BIGINT REFERENCES deal (id), -- never shown to the partner
    waiting_since @time, -- on the waiting list of the account's product lines
    decision_reason TEXT, -- the partner reads it
    reviewer_id BIGINT REFERENCES person (id),
    policy_version_id BIGINT REFERENCES policy_version (id), -- judged by
    submitted_at @time,
    review_due_at @time,
    escalated_at @time,
    decided_at @time,
    protected_until @time, -- while approved; copied from protection so that lists need no join
    extensions_used BIGINT NOT NULL DEFAULT 0,
    closed_at @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
CREATE INDEX deal_partner ON deal (partner_id, status);
CREATE INDEX deal_queue ON deal (program_id, status, submitted_at);
CREATE INDEX deal_account ON deal (account_id);
CREATE INDEX deal_expiry ON deal (protected_until) WHERE status = 'approved';

CREATE TABLE deal_product_line (
    id @id,
    deal_id BIGINT NOT NULL REFERENCES deal (id) ON DELETE CASCADE,
    product_line_id BIGINT NOT NULL REFERENCES product_line (id),
    UNIQUE (deal_id, product_line_id)
);

-- The right itself. The partial unique index is what keeps two partners from holding the same
-- account and product line at once, however their requests race.
CREATE TABLE protection (
    id @id,
    deal_id BIGINT NOT NULL REFERENCES deal (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    account_id BIGINT NOT NULL REFERENCES account (id),
    product_line_id BIGINT NOT NULL REFERENCES product_line (id),
    starts_at @time NOT NULL,
    expires_at @time, -- none once won: the customer stays the partner's
    released_at @time,
    UNIQUE (deal_id, product_line_id)
);
CREATE UNIQUE INDEX protection_exclusive ON protection (account_id, product_line_id) WHERE released_at IS NULL;

-- A request for more time, with evidence of activity.
CREATE TABLE extension_request (
    id @id,
    deal_id BIGINT NOT NULL REFERENCES deal (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    evidence TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'granted', 'refused')),
    decided_by BIGINT REFERENCES person (id),
    reason TEXT,
    created_at @time NOT NULL,
    decided_at @time
);
CREATE UNIQUE INDEX extension_one_open ON extension_request (deal_id) WHERE status = 'open';

CREATE TABLE attachment (
    id @id,
    deal_id BIGINT NOT NULL REFERENCES deal (id) ON DELETE CASCADE,
    person_id BIGINT NOT NULL REFERENCES person (id),
    file_name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL CHECK (size > 0), -- bytes
    sha256 TEXT NOT NULL, -- hex
    content @blob NOT NULL,
    created_at @time NOT NULL
);
CREATE INDEX attachment_deal ON attachment (deal_id);

-- Said about an application, a deal or a partner; internal notes never leave the vendor.
CREATE TABLE comment (
    id @id,
    subject_type TEXT NOT NULL CHECK (subject_type IN ('application', 'deal', 'partner')),
    subject_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL REFERENCES person (id),
    body TEXT NOT NULL,
    internal @bool NOT NULL,
    created_at @time NOT NULL
);
CREATE INDEX comment_subject ON comment (subject_type, subject_id, created_at);
