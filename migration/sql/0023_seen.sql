-- When somebody of a partner did something last is asked for each partner of a list. What the portal
-- books by itself is by far the most; it is nobody's doing and not in this index.
CREATE INDEX event_by_people ON event (partner_id, at) WHERE actor_id IS NOT NULL;
