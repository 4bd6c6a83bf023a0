-- When Stripe's own customer object was last read: none while the customer is known by name only,
-- from an invoice or from a deal that was linked to it. Older news than this is not applied.
ALTER TABLE customer ADD COLUMN updated_at @time;
