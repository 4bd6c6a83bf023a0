-- From when a partner is paid by another plan. What happened before keeps the plan it was under;
-- `partner.plan_id` is the plan that counts now.
CREATE TABLE plan_assignment (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    from_plan_id BIGINT NOT NULL REFERENCES plan (id), -- what counted until then
    to_plan_id BIGINT NOT NULL REFERENCES plan (id),
    effective_from @time NOT NULL,
    reason TEXT NOT NULL,
    decided_by BIGINT REFERENCES person (id),
    created_at @time NOT NULL,
    withdrawn_at @time, -- taken back before it counted
    CHECK (from_plan_id <> to_plan_id)
);
CREATE UNIQUE INDEX plan_assignment_begins ON plan_assignment (partner_id, effective_from)
    WHERE withdrawn_at IS NULL;
