-- Forms that were sent. One that arrives once more, because its button was pressed twice or a browser
-- sent it again, does nothing and leads to where the first one did.
CREATE TABLE sent_form (
    id TEXT PRIMARY KEY, -- a hash of who sent it, to which address, and all that was in it
    sent_at @time NOT NULL,
    leads_to TEXT -- none while it is being worked on
);
CREATE INDEX sent_form_age ON sent_form (sent_at);
