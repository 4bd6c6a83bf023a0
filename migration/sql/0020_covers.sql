-- Never written: which refunds a credit note counts already is in `detail`, with how much of each.
ALTER TABLE invoice_return DROP COLUMN covers;
