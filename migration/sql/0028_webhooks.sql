-- What an event that cannot be judged yet waits for: the payment or the invoice that Stripe does not
-- list yet, such as pi_… or in_…. It is looked at again when that appears, and by itself now and then.
ALTER TABLE webhook_event ADD COLUMN waits_for TEXT;
CREATE INDEX webhook_event_kept ON webhook_event (waits_for) WHERE waits_for IS NOT NULL;

-- Which line of its invoice it is. Before 2019 Stripe named lines after their subscription, so that
-- every month's invoice had a line of the same name, and one invoice several. stripe_id is then made
-- from the line, the invoice and the place among the lines of that name; it stays the only one of
-- its kind.
ALTER TABLE invoice_line ADD COLUMN line_id TEXT NOT NULL DEFAULT '';
ALTER TABLE invoice_line ADD COLUMN occurrence BIGINT NOT NULL DEFAULT 1;
UPDATE invoice_line SET line_id = stripe_id;

-- What had to be paid for the invoice after the customer's balance; none where Stripe was not asked.
ALTER TABLE invoice ADD COLUMN due BIGINT;
-- What of its total the customer's balance paid.
ALTER TABLE invoice ADD COLUMN from_balance BIGINT NOT NULL DEFAULT 0;
-- What of its total earns nothing, because no money arrived for it.
ALTER TABLE invoice ADD COLUMN unearning BIGINT NOT NULL DEFAULT 0;
-- The same by where the credit came from, and what nobody paid; JSON, none where all was money.
ALTER TABLE invoice ADD COLUMN balance TEXT;
-- The few invoices below zero are looked at whenever something of their customers is booked.
CREATE INDEX invoice_below_zero ON invoice (customer_id) WHERE net < 0;

-- The changes of customers' balances at Stripe, of customers whose balance has paid for something.
CREATE TABLE balance_transaction (
    id @id,
    stripe_id TEXT NOT NULL UNIQUE, -- cbtxn_…
    customer_id BIGINT NOT NULL REFERENCES customer (id),
    place BIGINT NOT NULL, -- among the customer's, the oldest first
    amount BIGINT NOT NULL, -- minor units; negative is credit
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    kind TEXT NOT NULL, -- Stripe's type
    source TEXT NOT NULL CHECK (source IN ('money', 'returned', 'reward', 'gift')), -- of credit
    invoice TEXT, -- in_…, or cs_… where there is no invoice yet
    credit_note TEXT, -- cn_…
    happened_at @time NOT NULL,
    created_at @time NOT NULL
);
CREATE INDEX balance_transaction_customer ON balance_transaction (customer_id, place);
