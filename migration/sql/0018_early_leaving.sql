-- A customer whose subscription ends within so many days of its start takes the commission on it along;
-- 0: what was paid stays earned.
ALTER TABLE policy_version ADD COLUMN churn_days BIGINT NOT NULL DEFAULT 0 CHECK (churn_days BETWEEN 0 AND 366);
