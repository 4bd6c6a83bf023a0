-- Until when a company that became free is kept for who was next in line for it: while that one
-- thinks about it, and while the registration it then writes is not sent.
ALTER TABLE deal ADD COLUMN offered_until @time;
