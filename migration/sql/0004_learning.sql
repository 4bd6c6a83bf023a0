-- Courses, exams and certificates.

CREATE TABLE course (
    id @id,
    program_id BIGINT NOT NULL REFERENCES program (id),
    slug TEXT NOT NULL,
    gates_deals @bool NOT NULL, -- registering deals needs a certificate of this course
    created_at @time NOT NULL,
    UNIQUE (program_id, slug)
);

CREATE TABLE course_version (
    id @id,
    course_id BIGINT NOT NULL REFERENCES course (id),
    version BIGINT NOT NULL CHECK (version > 0),
    status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'retired')),
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    pass_percent BIGINT NOT NULL CHECK (pass_percent BETWEEN 1 AND 100),
    question_count BIGINT NOT NULL CHECK (question_count > 0), -- drawn at random from the pool
    time_limit_minutes BIGINT NOT NULL CHECK (time_limit_minutes > 0),
    attempts_allowed BIGINT NOT NULL CHECK (attempts_allowed > 0),
    retry_wait_hours BIGINT NOT NULL CHECK (retry_wait_hours >= 0),
    valid_months BIGINT NOT NULL CHECK (valid_months > 0),
    grace_days BIGINT NOT NULL CHECK (grace_days >= 0),
    published_at @time,
    created_at @time NOT NULL,
    UNIQUE (course_id, version)
);
CREATE UNIQUE INDEX course_one_published ON course_version (course_id) WHERE status = 'published';

CREATE TABLE lesson (
    id @id,
    course_version_id BIGINT NOT NULL REFERENCES course_version (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    module TEXT NOT NULL, -- the module's title
    title TEXT NOT NULL,
    body TEXT NOT NULL, -- Markdown
    video_url TEXT,
    minutes BIGINT NOT NULL CHECK (minutes > 0),
    UNIQUE (course_version_id, position)
);

CREATE TABLE lesson_progress (
    id @id,
    lesson_id BIGINT NOT NULL REFERENCES lesson (id) ON DELETE CASCADE,
    person_id BIGINT NOT NULL REFERENCES person (id),
    completed_at @time NOT NULL,
    UNIQUE (lesson_id, person_id)
);

CREATE TABLE question (
    id @id,
    course_version_id BIGINT NOT NULL REFERENCES course_version (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('single', 'multiple', 'true_false', 'ordering')),
    prompt TEXT NOT NULL,
    options @json NOT NULL, -- list of texts
    answer @json NOT NULL, -- indexes into options: the right ones, or the right order
    feedback TEXT NOT NULL, -- shown after the attempt
    UNIQUE (course_version_id, position)
);

CREATE TABLE attempt (
    id @id,
    course_version_id BIGINT NOT NULL REFERENCES course_version (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    partner_id BIGINT NOT NULL REFERENCES partner (id), -- the organisation the person took it for
    number BIGINT NOT NULL CHECK (number > 0),
    status TEXT NOT NULL CHECK (status IN ('open', 'passed', 'failed', 'expired')),
    paper @json NOT NULL, -- questions and option orders as drawn
    answers @json NOT NULL, -- saved as the person goes
    score_percent BIGINT CHECK (score_percent BETWEEN 0 AND 100),
    started_at @time NOT NULL,
    deadline_at @time NOT NULL,
    finished_at @time,
    UNIQUE (course_version_id, person_id, number)
);
CREATE UNIQUE INDEX attempt_one_open ON attempt (course_version_id, person_id) WHERE status = 'open';

CREATE TABLE certificate (
    id @id,
    number TEXT NOT NULL UNIQUE, -- public, unguessable
    course_id BIGINT NOT NULL REFERENCES course (id),
    course_version_id BIGINT NOT NULL REFERENCES course_version (id),
    person_id BIGINT NOT NULL REFERENCES person (id),
    attempt_id BIGINT NOT NULL UNIQUE REFERENCES attempt (id),
    issued_at @time NOT NULL,
    expires_at @time NOT NULL,
    grace_until @time NOT NULL,
    revoked_at @time,
    revoked_reason TEXT
);
CREATE INDEX certificate_person ON certificate (person_id, course_id);
