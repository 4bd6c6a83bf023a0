-- Partner organisations, how they came in, and who belongs to them.

CREATE TABLE partner (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    name TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    website TEXT NOT NULL,
    domain TEXT NOT NULL, -- registrable
    country TEXT NOT NULL CHECK (length(country) = 2),
    currency TEXT NOT NULL CHECK (length(currency) = 3), -- the currency its estimates are shown in
    partner_type TEXT NOT NULL CHECK (partner_type IN ('agency', 'reseller', 'integrator', 'consultant', 'technology')),
    size TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'deactivated', 'banned')),
    status_reason TEXT,
    tier_id BIGINT NOT NULL REFERENCES tier (id),
    tier_since @time NOT NULL,
    plan_id BIGINT NOT NULL REFERENCES plan (id),
    manager_id BIGINT REFERENCES person (id),
    members_see_earnings @bool NOT NULL,
    payouts_held_reason TEXT, -- set: finance holds this partner's payouts
    profile TEXT NOT NULL DEFAULT '', -- what the directory says of it, Markdown
    created_at @time NOT NULL,
    UNIQUE (program_id, domain)
);

CREATE TABLE member (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    joined_at @time NOT NULL,
    removed_at @time
);
CREATE UNIQUE INDEX member_once ON member (partner_id, person_id) WHERE removed_at IS NULL;
CREATE INDEX member_person ON member (person_id);

CREATE TABLE application (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    person_id BIGINT NOT NULL REFERENCES person (id), -- the applicant
    status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'in_review', 'information_requested', 'approved', 'rejected', 'withdrawn')),
    legal_name TEXT NOT NULL DEFAULT '',
    website TEXT NOT NULL DEFAULT '',
    domain TEXT NOT NULL DEFAULT '', -- registrable
    country TEXT NOT NULL DEFAULT '',
    partner_type TEXT NOT NULL DEFAULT '',
    size TEXT NOT NULL DEFAULT '',
    services TEXT NOT NULL DEFAULT '',
    regions TEXT NOT NULL DEFAULT '',
    expected_business TEXT NOT NULL DEFAULT '',
    contact_name TEXT NOT NULL DEFAULT '',
    contact_phone TEXT NOT NULL DEFAULT '',
    answers @json NOT NULL, -- question id → answer
    terms_version_id BIGINT REFERENCES terms_version (id), -- the terms accepted
    policy_version_id BIGINT REFERENCES policy_version (id), -- judged by
    reviewer_id BIGINT REFERENCES person (id),
    decision_reason TEXT, -- the applicant reads it
    partner_id BIGINT REFERENCES partner (id), -- made by the approval
    submitted_at @time,
    review_due_at @time,
    decided_at @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
CREATE INDEX application_queue ON application (program_id, status, submitted_at);
CREATE INDEX application_domain ON application (domain);
CREATE UNIQUE INDEX application_one_open ON application (program_id, person_id)
    WHERE status IN ('draft', 'submitted', 'in_review', 'information_requested');

CREATE TABLE agreement (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    terms_version_id BIGINT NOT NULL REFERENCES terms_version (id),
    signed_name TEXT NOT NULL,
    ip TEXT NOT NULL,
    signed_at @time NOT NULL,
    UNIQUE (partner_id, terms_version_id)
);

-- Every change of a partner's tier, with the figures it was judged by.
CREATE TABLE tier_change (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    from_tier_id BIGINT REFERENCES tier (id),
    to_tier_id BIGINT NOT NULL REFERENCES tier (id),
    kind TEXT NOT NULL CHECK (kind IN ('entry', 'promotion', 'notice', 'demotion', 'manual')),
    explanation TEXT NOT NULL,
    figures @json NOT NULL, -- domain::tier::Figures
    effective_at @time NOT NULL,
    created_at @time NOT NULL
);
CREATE INDEX tier_change_partner ON tier_change (partner_id, effective_at);
