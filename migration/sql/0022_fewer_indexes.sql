-- Every index costs a write per line that is booked, and one by partner is written all over the file.
-- Nothing asks for events by partner.
DROP INDEX event_partner;

-- Of a partner's lines in a state, runs ask for the payable ones only.
DROP INDEX commission_state;
CREATE INDEX commission_payable_partner ON commission (partner_id, currency) WHERE state = 'payable';
