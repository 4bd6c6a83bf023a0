-- When the customer paid first: the earliest of its paid invoices that came to more than nothing. Kept in
-- step by the transaction that writes them, because every payment of the customer asks for it.
ALTER TABLE customer ADD COLUMN first_paid_at @time;
UPDATE customer SET first_paid_at =
    (SELECT min(i.paid_at) FROM invoice i WHERE i.customer_id = customer.id AND i.net > 0);

-- The net amount was there to find that.
DROP INDEX invoice_customer;
CREATE INDEX invoice_customer ON invoice (customer_id, paid_at);
