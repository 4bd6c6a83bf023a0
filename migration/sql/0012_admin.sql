-- What administrators keep: how long a tier is kept after a notice, drafts of plans that several
-- people may have open, and plans that are no longer offered.
ALTER TABLE policy_version ADD COLUMN tier_grace_days BIGINT NOT NULL DEFAULT 90 CHECK (tier_grace_days BETWEEN 0 AND 3650); -- between a notice and the step down
ALTER TABLE plan ADD COLUMN retired_at @time; -- since when it is no longer offered
ALTER TABLE plan_version ADD COLUMN revision BIGINT NOT NULL DEFAULT 0 CHECK (revision >= 0); -- counts the changes of a draft
CREATE UNIQUE INDEX plan_version_one_draft ON plan_version (plan_id) WHERE status = 'draft';
CREATE UNIQUE INDEX plan_version_begins ON plan_version (plan_id, effective_from) WHERE status = 'published';
