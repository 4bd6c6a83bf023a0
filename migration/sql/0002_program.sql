-- Programs with their versioned terms, policies, tiers and commission plans.

CREATE TABLE program (
    id @id,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    vendor_name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('partner', 'customer', 'employee')),
    currency TEXT NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    time_zone TEXT NOT NULL, -- IANA name; months, quarters and business hours are counted in it
    pitch @json NOT NULL, -- the public page: steps, good customers, questions and answers
    application_questions @json NOT NULL, -- custom questions of the application form
    deal_questions @json NOT NULL, -- custom questions of the deal form
    open_to_applications @bool NOT NULL,
    accent TEXT NOT NULL, -- the brand colour, #rrggbb
    created_at @time NOT NULL
);

-- What the program's periods and limits were from a date on.
CREATE TABLE policy_version (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    version BIGINT NOT NULL CHECK (version > 0),
    effective_from @time NOT NULL,
    attribution_days BIGINT NOT NULL CHECK (attribution_days > 0),
    protection_days BIGINT NOT NULL CHECK (protection_days > 0),
    extension_days BIGINT NOT NULL CHECK (extension_days > 0),
    extensions_allowed BIGINT NOT NULL CHECK (extensions_allowed >= 0),
    hold_days BIGINT NOT NULL CHECK (hold_days >= 0),
    clawback_days BIGINT NOT NULL CHECK (clawback_days >= 0),
    payout_minimum BIGINT NOT NULL CHECK (payout_minimum >= 0), -- minor units of the program's currency
    payout_day BIGINT NOT NULL CHECK (payout_day BETWEEN 1 AND 28), -- of the month
    second_approval_above BIGINT NOT NULL CHECK (second_approval_above >= 0), -- minor units of the program's currency
    deal_review_hours BIGINT NOT NULL CHECK (deal_review_hours > 0), -- business hours
    application_review_hours BIGINT NOT NULL CHECK (application_review_hours > 0), -- business hours
    reapply_after_days BIGINT NOT NULL CHECK (reapply_after_days >= 0),
    auto_approve_below BIGINT CHECK (auto_approve_below > 0), -- deal value in minor units; none: a person always looks
    auto_approve_min_tier BIGINT, -- tier rank
    countries @json NOT NULL, -- allowed country codes; an empty list allows all
    created_at @time NOT NULL,
    UNIQUE (program_id, version)
);

CREATE TABLE terms_version (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    version BIGINT NOT NULL CHECK (version > 0),
    effective_from @time NOT NULL,
    body TEXT NOT NULL, -- Markdown
    created_at @time NOT NULL,
    UNIQUE (program_id, version)
);

CREATE TABLE tier (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    rank BIGINT NOT NULL CHECK (rank >= 0), -- 0 is the entry tier
    name TEXT NOT NULL,
    min_revenue BIGINT NOT NULL CHECK (min_revenue >= 0), -- trailing 12 months, minor units of the program's currency
    min_customers BIGINT NOT NULL CHECK (min_customers >= 0),
    min_won_deals BIGINT NOT NULL CHECK (min_won_deals >= 0),
    min_certified BIGINT NOT NULL CHECK (min_certified >= 0), -- certified people
    benefits TEXT NOT NULL,
    UNIQUE (program_id, rank),
    UNIQUE (program_id, name)
);

CREATE TABLE plan (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    name TEXT NOT NULL,
    is_default @bool NOT NULL,
    created_at @time NOT NULL,
    UNIQUE (program_id, name)
);
CREATE UNIQUE INDEX plan_one_default ON plan (program_id) WHERE is_default;

CREATE TABLE plan_version (
    id @id,
    plan_id BIGINT NOT NULL REFERENCES plan (id),
    version BIGINT NOT NULL CHECK (version > 0),
    status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'retired')),
    effective_from @time NOT NULL,
    rules @json NOT NULL, -- domain::plan::PlanRules
    created_by BIGINT REFERENCES person (id),
    created_at @time NOT NULL,
    UNIQUE (plan_id, version)
);

-- What the vendor sells, as far as deals and commission rules tell it apart.
CREATE TABLE product_line (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    code TEXT NOT NULL, -- matches Stripe product metadata `product_line`
    name TEXT NOT NULL,
    UNIQUE (program_id, code)
);
CREATE TABLE stripe_product (
    id TEXT PRIMARY KEY, -- prod_…
    product_line_id BIGINT NOT NULL REFERENCES product_line (id)
);
