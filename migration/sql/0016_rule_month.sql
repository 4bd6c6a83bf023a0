-- What each rule has earned a partner per month: brackets and caps look here, so that booking costs the
-- same however much has been booked before.
CREATE TABLE rule_month (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    currency TEXT NOT NULL,
    month TEXT NOT NULL, -- YYYY-MM in the program's zone
    rule TEXT NOT NULL, -- the rule's id in the plan
    basis BIGINT NOT NULL, -- net amounts behind the accruals that count
    amount BIGINT NOT NULL, -- the accruals that count
    UNIQUE (partner_id, currency, month, rule)
);

INSERT INTO rule_month (partner_id, currency, month, rule, basis, amount)
SELECT partner_id, currency, month, explain ->> 'rule_id', CAST(sum(basis) AS BIGINT), CAST(sum(amount) AS BIGINT)
FROM commission
WHERE kind = 'accrual' AND state <> 'canceled' AND explain ->> 'rule_id' IS NOT NULL
GROUP BY partner_id, currency, month, explain ->> 'rule_id'
ORDER BY partner_id, currency, month, explain ->> 'rule_id';

-- Caps per customer add up one account's lines.
CREATE INDEX commission_account ON commission (account_id) WHERE kind = 'accrual';
