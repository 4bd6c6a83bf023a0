-- Which claim a job is in: a random word that each claim writes anew. Whoever lost a claim, because
-- it took longer than the claim lasts or the clock jumped, can end nothing any more.
ALTER TABLE job ADD COLUMN claim TEXT;
