-- What moves a partner's balance beside what it earns and gives back, so that a statement's opening
-- balance and its movements come to its closing balance.
ALTER TABLE partner_month ADD COLUMN written_off BIGINT NOT NULL DEFAULT 0; -- debts given up
ALTER TABLE partner_month ADD COLUMN returned BIGINT NOT NULL DEFAULT 0; -- of transfers, taken back at Stripe and payable again

INSERT INTO partner_month (partner_id, month, currency, earned, given_back, revenue, written_off, returned)
SELECT partner_id, month, currency, 0, 0, 0,
    CAST(sum(CASE WHEN kind = 'write_off' THEN amount ELSE 0 END) AS BIGINT),
    CAST(sum(CASE WHEN kind = 'write_off' THEN 0 ELSE amount END) AS BIGINT)
FROM commission
WHERE state <> 'canceled' AND (kind = 'write_off' OR reference LIKE 'payout:%')
GROUP BY partner_id, month, currency
ORDER BY partner_id, month, currency
ON CONFLICT (partner_id, currency, month) DO UPDATE SET
    written_off = excluded.written_off,
    returned = excluded.returned;
