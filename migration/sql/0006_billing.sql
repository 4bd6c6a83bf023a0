-- What Stripe told us: customers, subscriptions, invoices, payments, returns.

CREATE TABLE customer (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- cus_…
    account_id BIGINT REFERENCES account (id), -- none while unmatched
    name TEXT NOT NULL DEFAULT '',
    email TEXT NOT NULL DEFAULT '',
    country TEXT,
    matched_by TEXT CHECK (matched_by IN ('metadata', 'linked', 'client_reference', 'domain', 'hand')),
    match_reason TEXT,
    created_at @time NOT NULL
);
CREATE INDEX customer_account ON customer (account_id);

-- Who is credited for an account, for what share and how long.
CREATE TABLE attribution (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    account_id BIGINT NOT NULL REFERENCES account (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    product_line_id BIGINT REFERENCES product_line (id), -- none: every product
    deal_id BIGINT REFERENCES deal (id), -- the registration it came from
    part TEXT NOT NULL CHECK (part IN ('sourced', 'sold', 'implemented')),
    share_bp BIGINT NOT NULL CHECK (share_bp BETWEEN 1 AND 10000),
    reason TEXT NOT NULL,
    starts_at @time NOT NULL,
    ends_at @time,
    created_at @time NOT NULL
);
CREATE INDEX attribution_account ON attribution (account_id);
CREATE INDEX attribution_partner ON attribution (partner_id);

CREATE TABLE subscription (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- sub_…
    customer_id BIGINT NOT NULL REFERENCES customer (id),
    status TEXT NOT NULL,
    started_at @time NOT NULL,
    ended_at @time,
    updated_at @time NOT NULL -- time of the newest event applied
);
CREATE INDEX subscription_customer ON subscription (customer_id);

CREATE TABLE invoice (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- in_…
    customer_id BIGINT NOT NULL REFERENCES customer (id),
    subscription_stripe_id TEXT,
    number TEXT,
    status TEXT NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    total BIGINT NOT NULL, -- with tax
    net BIGINT NOT NULL, -- what the lines come to after discount and credit, without tax
    amount_paid BIGINT NOT NULL,
    returned BIGINT NOT NULL DEFAULT 0, -- refunded, credited or lost, cumulative, with tax
    disputed @bool NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('open', 'earned', 'nothing', 'unmatched')),
    outcome_reason TEXT, -- why it earned nothing
    issued_at @time NOT NULL,
    paid_at @time,
    created_at @time NOT NULL
);
CREATE INDEX invoice_customer ON invoice (customer_id, paid_at);
CREATE INDEX invoice_unmatched ON invoice (issued_at) WHERE outcome = 'unmatched';

CREATE TABLE invoice_line (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- il_…
    invoice_id BIGINT NOT NULL REFERENCES invoice (id),
    product_line_id BIGINT REFERENCES product_line (id),
    description TEXT NOT NULL,
    amount BIGINT NOT NULL, -- as billed
    discount BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    net BIGINT NOT NULL, -- the basis: after discount and credit, without tax
    returned BIGINT NOT NULL DEFAULT 0, -- of net, cumulative
    proration @bool NOT NULL,
    period_start @time,
    period_end @time
);
CREATE INDEX invoice_line_invoice ON invoice_line (invoice_id);

-- Stripe's links from payment to invoice: refund → charge → payment intent → invoice.
CREATE TABLE invoice_payment (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- inpay_…, or made from the invoice where Stripe sent none
    invoice_id BIGINT NOT NULL REFERENCES invoice (id),
    payment_intent TEXT,
    charge TEXT,
    amount BIGINT NOT NULL
);
CREATE INDEX invoice_payment_intent ON invoice_payment (payment_intent);
CREATE INDEX invoice_payment_charge ON invoice_payment (charge);
CREATE INDEX invoice_payment_invoice ON invoice_payment (invoice_id);

-- Each refund, credit note or dispute, once, with the part of the invoice it returns.
CREATE TABLE invoice_return (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- re_…, cn_…, dp_…
    kind TEXT NOT NULL CHECK (kind IN ('refund', 'credit_note', 'dispute')),
    invoice_id BIGINT NOT NULL REFERENCES invoice (id),
    amount BIGINT NOT NULL CHECK (amount >= 0), -- with tax
    status TEXT NOT NULL CHECK (status IN ('open', 'final', 'void')), -- an open dispute holds, a lost one is final
    covers TEXT, -- the refund that this credit note already counts, or the other way round
    detail @json NOT NULL, -- per line where Stripe says so
    happened_at @time NOT NULL,
    created_at @time NOT NULL
);
CREATE INDEX invoice_return_invoice ON invoice_return (invoice_id);
