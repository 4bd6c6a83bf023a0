-- What the home pages and the menu count beside everything that is over: jobs that were given up,
-- mails that were not sent, payouts that failed, and what waits for a decision.
CREATE INDEX job_dead ON job (id) WHERE status = 'dead';
CREATE INDEX mail_unsent ON mail (id) WHERE sent_at IS NULL;
CREATE INDEX payout_failed ON payout (id) WHERE status = 'failed';

-- Of registrations most are over. Those that are protected are still found by when that ends.
DROP INDEX deal_expiry;
CREATE INDEX deal_status ON deal (status, protected_until);
