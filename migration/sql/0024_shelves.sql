-- When each customer paid first and last. Every payment moves the second; here the rows are small, and
-- many of them share a page.
CREATE TABLE customer_paid (
    id BIGINT PRIMARY KEY REFERENCES customer (id),
    first_at @time, -- the earliest of its paid invoices that came to more than nothing
    last_at @time NOT NULL -- the latest of its paid invoices
);
INSERT INTO customer_paid (id, first_at, last_at)
SELECT customer_id, min(CASE WHEN net > 0 THEN paid_at END), max(paid_at)
FROM invoice WHERE paid_at IS NOT NULL GROUP BY customer_id ORDER BY customer_id;
ALTER TABLE customer DROP COLUMN first_paid_at;

-- By customer alone each new invoice changed a page of its own, all over the file, and booking cost the
-- more the larger the file was. 8,192 successive invoices share a shelf, and new ones lie close together.
DROP INDEX invoice_customer;
CREATE INDEX invoice_customer ON invoice ((id / 8192), customer_id);
