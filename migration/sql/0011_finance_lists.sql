-- What finance's home counts, without walking over everything that was ever earned.
CREATE INDEX commission_payable ON commission (currency, hold_until, amount) WHERE state = 'payable';
CREATE INDEX commission_held ON commission (id) WHERE state = 'held';
CREATE INDEX webhook_event_failed ON webhook_event (id) WHERE status = 'failed';
CREATE INDEX ledger_transaction_payout ON ledger_transaction (payout_id) WHERE payout_id IS NOT NULL;
