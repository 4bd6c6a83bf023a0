//! The records whose addresses are asked for: all of partner A and its people.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use service::Db;

use super::{A, id, text};

/// Records the demonstration does not have: a colleague, an invitation, a file and others.
pub async fn extras(db: &Db) {
    let at = chrono::Utc::now().to_rfc3339();
    for sql in [
        format!(
            "INSERT INTO person (email, name, locale, time_zone, email_verified_at, created_at) \
             VALUES ('colleague@{A}', 'Colleague', 'en', 'UTC', '{at}', '{at}')"
        ),
        format!(
            "INSERT INTO member (partner_id, person_id, role, joined_at) SELECT partner.id, \
             person.id, 'member', '{at}' FROM partner, person WHERE partner.domain = '{A}' AND \
             person.email = 'colleague@{A}'"
        ),
        format!(
            "INSERT INTO invitation (partner_id, email, role, hash, invited_by, expires_at, \
             created_at) SELECT partner.id, 'new@{A}', 'member', 'x', member.person_id, \
             '2999-01-01T00:00:00+00:00', '{at}' FROM partner JOIN member ON member.partner_id = \
             partner.id WHERE partner.domain = '{A}' AND member.role = 'owner'"
        ),
        format!(
            "INSERT INTO attachment (deal_id, person_id, file_name, media_type, size, sha256, \
             content, created_at) SELECT deal.id, deal.person_id, 'offer.txt', 'text/plain', 1, \
             'x', X'61', '{at}' FROM deal JOIN partner ON partner.id = deal.partner_id WHERE \
             partner.domain = '{A}' AND deal.status <> 'draft' ORDER BY deal.id LIMIT 1"
        ),
        format!(
            "INSERT INTO notice (person_id, text, link, created_at) SELECT person.id, 'x', \
             '/partner', '{at}' FROM person WHERE person.email = 'henrik@{A}'"
        ),
        format!(
            "INSERT INTO job (kind, payload, run_at, attempts, status, created_at) \
             VALUES ('mail.send', '{{}}', '{at}', 12, 'dead', '{at}')"
        ),
        format!(
            "INSERT INTO webhook_event (event_id, type, payload, livemode, happened_at, \
             received_at, status, attempts, error) VALUES ('evt_x', 'invoice.paid', '{{}}', \
             FALSE, '{at}', '{at}', 'failed', 1, 'x')"
        ),
        format!(
            "INSERT INTO discrepancy (reference, kind, description, found_at) \
             VALUES ('x', 'transfer', 'x', '{at}')"
        ),
        format!(
            "INSERT INTO plan_assignment (partner_id, from_plan_id, to_plan_id, effective_from, \
             reason, created_at) SELECT partner.id, partner.plan_id, plan.id, \
             '2999-01-01T00:00:00+00:00', 'x', '{at}' FROM partner JOIN plan ON plan.id <> \
             partner.plan_id WHERE partner.domain = '{A}' ORDER BY plan.id LIMIT 1"
        ),
        format!(
            "INSERT INTO mail (to_address, subject, body, created_at) \
             VALUES ('x@{A}', 'x', 'x', '{at}')"
        ),
    ] {
        db.reader()
            .execute_unprepared(&sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// What stands for each parameter, by the path up to it: records of partner A and of its people.
pub async fn records(db: &Db) -> BTreeMap<&'static str, String> {
    let partner = id(db, &format!("partner WHERE domain = '{A}'")).await;
    let owner = id(db, &format!("person WHERE email = 'henrik@{A}'")).await;
    let of = |table: &str| format!("{table} WHERE partner_id = {partner}");
    let deal = id(
        db,
        &format!("{} AND status <> 'draft' ORDER BY id", of("deal")),
    )
    .await;
    let file = id(db, &format!("attachment WHERE deal_id = {deal}")).await;
    let month = text(
        db,
        &format!("SELECT month FROM {} LIMIT 1", of("commission")),
    )
    .await;
    let account = id(
        db,
        "account WHERE id IN (SELECT account_id FROM deal WHERE status = 'duplicate')",
    )
    .await;
    let course = id(db, "course").await;
    let version = id(db, "course_version").await;
    let lesson = id(db, "lesson").await;
    let question = id(db, "question").await;
    let number = text(
        db,
        &format!("SELECT number FROM certificate WHERE person_id = {owner} LIMIT 1"),
    )
    .await;
    let application = id(
        db,
        "application WHERE person_id = (SELECT id FROM person WHERE email LIKE 'elena@%')",
    )
    .await;
    let credit = id(db, &of("attribution")).await;
    let credited = text(
        db,
        &format!("SELECT CAST(account_id AS TEXT) FROM attribution WHERE id = {credit}"),
    )
    .await;
    BTreeMap::from([
        (
            "/admin/jobs/{id}",
            id(db, "job WHERE status = 'dead'").await,
        ),
        (
            "/admin/webhooks/{id}",
            id(db, "webhook_event WHERE status = 'failed'").await,
        ),
        ("/admin/mail/{id}", id(db, "mail").await),
        ("/admin/plans/{id}", id(db, "plan ORDER BY id").await),
        (
            "/admin/plans/versions/{id}",
            id(db, "plan_version ORDER BY id").await,
        ),
        (
            "/admin/plans/versions/{id}/rules/{rule}",
            "reseller".to_owned(),
        ),
        ("/admin/programs/{id}", id(db, "program").await),
        ("/admin/programs/{id}/policies/{version}", "1".to_owned()),
        ("/admin/programs/{id}/terms/{version}", "1".to_owned()),
        (
            "/admin/programs/{id}/tiers/{tier}",
            id(db, "tier ORDER BY id").await,
        ),
        (
            "/admin/programs/{id}/products/{line}",
            id(db, "product_line ORDER BY id").await,
        ),
        (
            "/admin/staff/{id}",
            id(db, "person WHERE email = 'tomas@lumendesk.example'").await,
        ),
        ("/apply/{slug}", "lumen".to_owned()),
        ("/programs/{slug}", "lumen".to_owned()),
        ("/certificates/{number}", number.clone()),
        (
            "/notices/{id}",
            id(db, &format!("notice WHERE person_id = {owner}")).await,
        ),
        ("/application/{id}", application.clone()),
        ("/partner/deals/{id}", deal.clone()),
        ("/partner/deals/{id}/files/{file}", file.clone()),
        ("/partner/earnings/{id}", id(db, &of("commission")).await),
        (
            "/partner/invoices/{id}",
            text(
                db,
                &format!(
                    "SELECT CAST(invoice_id AS TEXT) FROM {} AND invoice_id IS NOT NULL LIMIT 1",
                    of("commission")
                ),
            )
            .await,
        ),
        ("/partner/payouts/{id}", id(db, &of("payout")).await),
        ("/partner/learning/{slug}", "lumen-fundamentals".to_owned()),
        ("/partner/learning/lessons/{id}", lesson.clone()),
        (
            "/partner/learning/attempts/{id}",
            id(db, &format!("attempt WHERE person_id = {owner}")).await,
        ),
        (
            "/partner/organisation/members/{id}",
            id(db, &format!("{} AND role = 'member'", of("member"))).await,
        ),
        (
            "/partner/organisation/invitations/{id}",
            id(db, &of("invitation")).await,
        ),
        ("/partner/statements/{month}", month.clone()),
        ("/partner/statements/{month}/{currency}", "EUR".to_owned()),
        ("/manager/applications/{id}", application),
        ("/manager/partners/{id}", partner.clone()),
        (
            "/manager/partners/{id}/plan/{move}",
            id(db, &of("plan_assignment")).await,
        ),
        ("/manager/deals/{id}", deal),
        ("/manager/deals/{id}/files/{file}", file),
        ("/manager/conflicts/{account}", account),
        ("/manager/accounts/{id}", credited),
        ("/manager/accounts/{id}/credits/{credit}", credit),
        ("/manager/courses/{id}", course),
        ("/manager/courses/versions/{id}", version),
        ("/manager/courses/versions/{id}/lessons/{lesson}", lesson),
        (
            "/manager/courses/versions/{id}/questions/{question}",
            question,
        ),
        ("/manager/certificates/{number}", number),
        ("/finance/commissions/{id}", id(db, &of("commission")).await),
        ("/finance/invoices/{id}", id(db, "invoice").await),
        (
            "/finance/ledger/accounts/{id}",
            id(db, &of("ledger_account")).await,
        ),
        ("/finance/payouts/{id}", id(db, &of("payout")).await),
        ("/finance/runs/{id}", id(db, "payout_run").await),
        ("/finance/reconciliation/{id}", id(db, "discrepancy").await),
        ("/finance/statements/{partner}", partner),
        ("/finance/statements/{partner}/{month}", month),
        (
            "/finance/statements/{partner}/{month}/{currency}",
            "EUR".to_owned(),
        ),
    ])
}
