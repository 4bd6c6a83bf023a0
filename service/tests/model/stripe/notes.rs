//! Credit notes: before payment, after it, with and without refunds.

use serde_json::{Value, json};

use super::{Note, Stripe, part};

impl Stripe {
    /// Issues a credit note; says whether the invoice was paid by it.
    pub(super) fn note(
        &mut self,
        at: i64,
        index: usize,
        share: i64,
        by_line: bool,
        money: u8,
        short: bool,
    ) -> Option<usize> {
        let invoice = &mut self.invoices[index];
        let before_payment = !invoice.is_paid();
        let given: i64 = invoice
            .notes
            .iter()
            .filter(|n| !n.void)
            .map(|n| n.total)
            .sum();
        let most = if before_payment {
            invoice.left()
        } else {
            invoice.total - given
        };
        let mut lines = Vec::new();
        let mut items = Vec::new();
        let mut total = 0;
        let id = format!("cn_{}_{}", invoice.id, invoice.notes.len());
        if by_line {
            for (i, line) in invoice.lines.iter().enumerate().filter(|(_, l)| l.net > 0) {
                let net = part(line.net - line.noted.0, share);
                let tax = (line.tax - line.noted.1) * share / 1_000;
                let inclusive = line.spec.tax_inclusive;
                if net == 0 || total + net + tax > most {
                    continue;
                }
                total += net + tax;
                lines.push((i, net, tax));
                items.push(json!({
                    "id": format!("cnli_{id}_{i}"), "object": "credit_note_line_item", "quantity": 1,
                    "amount": if inclusive { net + tax } else { net }, "invoice_line_item": line.id,
                    "discount_amounts": [], "pretax_credit_amounts": [],
                    "taxes": [{ "amount": tax, "tax_behavior": line.behavior() }],
                }));
            }
        } else {
            total = part(most.max(0), share);
            items.push(json!({
                "id": format!("cnli_{id}"), "object": "credit_note_line_item", "quantity": 1,
                "amount": total, "discount_amounts": [], "pretax_credit_amounts": [], "taxes": [],
            }));
        }
        if total <= 0 {
            return None;
        }
        for (i, net, tax) in &lines {
            let noted = &mut invoice.lines[*i].noted;
            *noted = (noted.0 + net, noted.1 + tax);
        }
        let taken = |r: usize| {
            invoice
                .notes
                .iter()
                .any(|n| n.refund.is_some_and(|(of, _)| of == r))
        };
        let mut refund = None;
        if money == 2 && !before_payment {
            let old =
                (0..invoice.refunds.len()).find(|r| !invoice.refunds[*r].failed && !taken(*r));
            refund = old.map(|r| (r, invoice.refunds[r].amount.min(total)));
        }
        if money == 1
            && !before_payment
            && let Some(payment) = self.refundable(index)
        {
            let p = &self.invoices[index].payments[payment];
            let amount = total.min(p.amount - p.refunded);
            let which = self.refund(at, index, payment, amount, 0);
            refund = Some((which, amount));
        }
        let invoice = &mut self.invoices[index];
        let refunds: Vec<Value> = refund
            .iter()
            .map(|(r, amount)| json!({ "refund": invoice.refunds[*r].id, "amount_refunded": amount }))
            .collect();
        let object = json!({
            "id": id, "object": "credit_note", "invoice": invoice.id, "status": "issued",
            "currency": invoice.currency.to_lowercase(), "amount": total, "total": total,
            "refunds": refunds, "created": at, "metadata": {},
            "lines": { "object": "list", "has_more": false, "data": items },
        });
        let lines = lines.into_iter().map(|(i, net, _)| (i, net)).collect();
        invoice.notes.push(Note {
            total,
            lines,
            refund,
            at,
            void: false,
            before_payment,
            object: object.clone(),
        });
        let mut event = object.clone();
        if short && items.len() > 1 {
            event["lines"] = json!({ "object": "list", "has_more": true, "data": [items[0]] });
        }
        self.shelf.push(object);
        self.tell(at, "credit_note.created", event);
        if before_payment && self.invoices[index].left() == 0 {
            return self.finish(at, index);
        }
        self.tell_invoice(at, "invoice.updated", index);
        None
    }
}
