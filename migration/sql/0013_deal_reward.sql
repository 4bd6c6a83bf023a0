-- What a registration earns by itself: for being won, and for a meeting that met the criteria.

-- The first-year value as the vendor confirmed it, minor units of `currency`. What the partner
-- typed pays nothing.
ALTER TABLE deal ADD COLUMN confirmed_value BIGINT CHECK (confirmed_value > 0);

-- A meeting a manager marked as qualified. Undone, it stays as history; only one counts.
CREATE TABLE deal_meeting (
    id @id,
    deal_id BIGINT NOT NULL REFERENCES deal (id),
    held_on DATE NOT NULL,
    note TEXT NOT NULL,
    qualified_by BIGINT NOT NULL REFERENCES person (id),
    qualified_at @time NOT NULL,
    undone_by BIGINT REFERENCES person (id),
    undone_at @time,
    undo_reason TEXT,
    CHECK ((undone_at IS NULL) = (undo_reason IS NULL))
);
CREATE UNIQUE INDEX deal_meeting_once ON deal_meeting (deal_id) WHERE undone_at IS NULL;

CREATE INDEX commission_deal ON commission (deal_id) WHERE deal_id IS NOT NULL;
