-- Invitations into a partner organisation. The person may have no account yet.

CREATE TABLE invitation (
    id @id,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    email TEXT NOT NULL CHECK (email = lower(email)),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    hash TEXT NOT NULL UNIQUE, -- SHA-256 of the secret in the link, hex
    invited_by BIGINT NOT NULL REFERENCES person (id),
    expires_at @time NOT NULL,
    accepted_at @time,
    revoked_at @time,
    created_at @time NOT NULL
);
CREATE UNIQUE INDEX invitation_one_open ON invitation (partner_id, email)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;
