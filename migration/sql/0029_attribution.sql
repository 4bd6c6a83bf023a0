-- Who belongs to whom: what Stripe's objects name, what a person has to decide, domains that say
-- nothing about a company, and what Stripe knew of a company before it was registered.

ALTER TABLE customer ADD COLUMN question TEXT; -- what a person has to decide, with every hint

-- What objects at Stripe say about a customer; the newest word of each object counts, so that the
-- order in which they arrive does not.
CREATE TABLE customer_claim (
    id @id,
    customer_id BIGINT NOT NULL REFERENCES customer (id),
    object TEXT NOT NULL, -- what says so: cus_…, sub_…, in_…, cs_…
    source TEXT NOT NULL CHECK (source IN ('metadata', 'signed', 'unsigned')),
    deal_id BIGINT, -- as named; may be nobody's
    account_id BIGINT, -- as named
    told_at @time NOT NULL,
    UNIQUE (customer_id, object, source)
);

-- A newer list than the one that came with this version.
CREATE TABLE domain_list (
    id TEXT PRIMARY KEY CHECK (id IN ('mailbox', 'disposable', 'shared_host', 'public_suffix')),
    source TEXT NOT NULL, -- the file or address it was read from
    sha256 TEXT NOT NULL,
    entries BIGINT NOT NULL,
    content TEXT NOT NULL,
    loaded_at @time NOT NULL
);

-- What a person has said about a domain, whatever the lists say.
CREATE TABLE domain_decision (
    id TEXT PRIMARY KEY, -- the domain, punycode
    kind TEXT CHECK (kind IN ('mailbox', 'disposable', 'shared_host')), -- none: it is one company's own
    reason TEXT NOT NULL,
    person_id BIGINT NOT NULL REFERENCES person (id),
    decided_at @time NOT NULL
);

-- What Stripe answered when a company was registered: customers with its mail domain that have paid.
CREATE TABLE deal_check (
    id BIGINT PRIMARY KEY REFERENCES deal (id),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'asked', 'failed')),
    customers @json NOT NULL, -- list of their ids at Stripe
    error TEXT, -- why Stripe could not be asked
    asked_at @time,
    created_at @time NOT NULL
);
