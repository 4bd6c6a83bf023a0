-- People who sign in, their sessions and one-time tokens.

-- A person who can sign in: a partner's member, an applicant, or vendor staff.
CREATE TABLE person (
    id @id,
    email TEXT NOT NULL UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%'), -- lower case
    name TEXT NOT NULL,
    password_hash TEXT, -- argon2id, PHC form; none until the person sets one
    staff_role TEXT CHECK (staff_role IN ('manager', 'finance', 'admin', 'auditor')), -- vendor staff only
    locale TEXT NOT NULL DEFAULT 'en',
    time_zone TEXT NOT NULL DEFAULT 'UTC', -- IANA name
    email_verified_at @time,
    disabled_at @time,
    created_at @time NOT NULL
);

-- tower-sessions' records.
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    person_id BIGINT REFERENCES person (id) ON DELETE CASCADE, -- so that a reset password ends every session
    data TEXT NOT NULL, -- JSON
    expires_at @time NOT NULL
);
CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_expiry ON session (expires_at);

-- One-time links: confirm an address, set a new password, accept an invitation.
CREATE TABLE token (
    id @id,
    person_id BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'invitation')),
    hash TEXT NOT NULL UNIQUE, -- SHA-256 of the secret in the link, hex
    expires_at @time NOT NULL,
    used_at @time,
    created_at @time NOT NULL
);
CREATE INDEX token_person ON token (person_id, purpose);

-- Failed sign-ins, kept in the database so that a restart forgets nothing.
CREATE TABLE login_throttle (
    id TEXT PRIMARY KEY, -- 'email:…' or 'ip:…'
    failures BIGINT NOT NULL CHECK (failures >= 0),
    window_started_at @time NOT NULL,
    locked_until @time
);

-- Installation-wide values, such as the demonstration clock's offset.
CREATE TABLE setting (
    id TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
