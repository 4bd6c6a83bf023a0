-- Roles that move money count after a time, new payout accounts are paid after one, limits add up,
-- customers are matched by two people, plans belong to kinds of partners, and what is told once.

-- A role that moves money, given to somebody. It counts for approving money from `counts_from`, or
-- once a second administrator confirmed it. Whoever has no row here had the role before this step.
CREATE TABLE staff_grant (
    id @id,
    person_id BIGINT NOT NULL REFERENCES person (id),
    role TEXT NOT NULL CHECK (role IN ('finance', 'admin')),
    given_by BIGINT REFERENCES person (id), -- none: at the command line
    given_at @time NOT NULL,
    counts_from @time NOT NULL,
    confirmed_by BIGINT REFERENCES person (id),
    confirmed_at @time,
    CHECK (confirmed_by IS NULL OR (confirmed_by <> person_id AND confirmed_by <> given_by))
);
CREATE INDEX staff_grant_person ON staff_grant (person_id, id);

-- What was told already, by the occurrence it was told about.
CREATE TABLE told (
    id TEXT PRIMARY KEY,
    told_at @time NOT NULL
);

-- How long a new payout account waits for its first payout.
ALTER TABLE policy_version ADD COLUMN account_wait_days BIGINT NOT NULL DEFAULT 3;
-- When the account was connected; none for accounts from before this step, which are old enough.
ALTER TABLE payout_account ADD COLUMN connected_at @time;

-- Which rule asks for a second person, in words with its sums.
ALTER TABLE payout_run ADD COLUMN second_reason TEXT;

-- Somebody says to which account a customer belongs; another person confirms or declines it.
CREATE TABLE customer_match (
    id @id,
    customer_id BIGINT NOT NULL REFERENCES customer (id),
    account_id BIGINT NOT NULL REFERENCES account (id),
    reason TEXT NOT NULL,
    proposed_by BIGINT NOT NULL REFERENCES person (id),
    proposed_at @time NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'confirmed', 'declined')),
    decided_by BIGINT REFERENCES person (id),
    decided_at @time,
    CHECK (status <> 'confirmed' OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX customer_match_one_open ON customer_match (customer_id) WHERE status = 'open';

-- The plan that is offered first when a partner of a kind is approved; else the program's default.
CREATE TABLE plan_for_type (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    partner_type TEXT NOT NULL,
    plan_id BIGINT NOT NULL REFERENCES plan (id),
    UNIQUE (program_id, partner_type)
);

-- The day's bookings by hand, which add up against a limit.
CREATE INDEX commission_by_hand ON commission (program_id, created_at)
    WHERE kind IN ('adjustment', 'bonus', 'clawback', 'write_off');
