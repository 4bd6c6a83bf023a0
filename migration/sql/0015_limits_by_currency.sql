-- Limits of a policy in other currencies than the program's: currency → minor units. A currency that
-- is not named has the same number of major units as the program's own limit.
ALTER TABLE policy_version ADD COLUMN payout_minimums @json NOT NULL DEFAULT '{}';
ALTER TABLE policy_version ADD COLUMN second_approvals @json NOT NULL DEFAULT '{}';
