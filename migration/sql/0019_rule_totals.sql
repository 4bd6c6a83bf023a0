-- Caps and brackets belong to a plan: two plans may have rules of the same id, and a partner that moves
-- to another plan begins there with nothing used.
DROP TABLE rule_month;
CREATE TABLE rule_month (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    currency TEXT NOT NULL,
    plan_id BIGINT NOT NULL REFERENCES plan (id),
    rule TEXT NOT NULL, -- the rule's id in the plan
    month TEXT NOT NULL, -- YYYY-MM in the program's zone
    basis BIGINT NOT NULL, -- net amounts behind the accruals that count
    amount BIGINT NOT NULL, -- the accruals that count
    UNIQUE (partner_id, currency, plan_id, rule, month)
);

INSERT INTO rule_month (partner_id, currency, plan_id, rule, month, basis, amount)
SELECT c.partner_id, c.currency, v.plan_id, c.explain ->> 'rule_id', c.month,
    CAST(sum(c.basis) AS BIGINT), CAST(sum(c.amount) AS BIGINT)
FROM commission c JOIN plan_version v ON v.id = c.plan_version_id
WHERE c.kind = 'accrual' AND c.state <> 'canceled' AND c.explain ->> 'rule_id' IS NOT NULL
GROUP BY c.partner_id, c.currency, v.plan_id, c.explain ->> 'rule_id', c.month
ORDER BY c.partner_id, c.currency, v.plan_id, c.explain ->> 'rule_id', c.month;

-- What each rule has earned with a customer's account, and whom: for caps per customer, so that they
-- cost the same however much the customer has paid.
CREATE TABLE rule_customer (
    id @id,
    account_id BIGINT NOT NULL REFERENCES account (id),
    currency TEXT NOT NULL,
    plan_id BIGINT NOT NULL REFERENCES plan (id),
    rule TEXT NOT NULL, -- the rule's id in the plan
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    amount BIGINT NOT NULL, -- the accruals that count
    UNIQUE (account_id, currency, plan_id, rule, partner_id)
);

INSERT INTO rule_customer (account_id, currency, plan_id, rule, partner_id, amount)
SELECT c.account_id, c.currency, v.plan_id, c.explain ->> 'rule_id', c.partner_id,
    CAST(sum(c.amount) AS BIGINT)
FROM commission c JOIN plan_version v ON v.id = c.plan_version_id
WHERE c.kind = 'accrual' AND c.state <> 'canceled' AND c.explain ->> 'rule_id' IS NOT NULL
    AND c.account_id IS NOT NULL
GROUP BY c.account_id, c.currency, v.plan_id, c.explain ->> 'rule_id', c.partner_id
ORDER BY c.account_id, c.currency, v.plan_id, c.explain ->> 'rule_id', c.partner_id;

-- It was there to add those up.
DROP INDEX commission_account;
