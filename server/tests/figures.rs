//! Figures as pages and files give them: the same everywhere, and unchanged by a form that is saved as
//! it was shown.

use sea_orm::ConnectionTrait;

use crate::stage::{Stage, id, text};

const ADMIN: &str = "admin";

/// The value of an attribute in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

fn plain(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

/// What a browser sends of the form with this action when nothing is typed.
fn as_shown(page: &str, action: &str) -> Vec<(String, String)> {
    let start = page
        .match_indices("<form ")
        .find(|(at, _)| {
            let tag = page[*at..].split('>').next().unwrap_or_default();
            attribute(tag, "action") == Some(action) && tag.contains("method=\"post\"")
        })
        .unwrap_or_else(|| panic!("no form for {action}:\n{page}"))
        .0;
    let form = page[start..].split("</form>").next().unwrap_or_default();
    let mut fields = Vec::new();
    let mut select: Option<String> = None;
    for part in form.split('<') {
        let (tag, after) = part.split_once('>').unwrap_or((part, ""));
        let name = attribute(tag, "name").map(plain);
        if tag.starts_with("input ") {
            let unchecked = matches!(attribute(tag, "type"), Some("checkbox" | "radio"))
                && !tag.contains(" checked");
            if let Some(name) = name.filter(|_| !unchecked) {
                fields.push((name, plain(attribute(tag, "value").unwrap_or_default())));
            }
        } else if tag.starts_with("textarea ") {
            // The browser drops the first line break.
            let text = after.strip_prefix('\n').unwrap_or(after);
            fields.extend(name.map(|name| (name, plain(text))));
        } else if tag.starts_with("select ") {
            select = name;
        } else if tag.starts_with("option ") && tag.contains(" selected") {
            let value = plain(attribute(tag, "value").unwrap_or_default());
            fields.extend(select.clone().map(|name| (name, value)));
        }
    }
    fields
}

async fn run_sql(stage: &Stage, sql: &str) {
    let db = stage.portal.db.reader();
    db.execute_unprepared(sql)
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
}

async fn save(stage: &Stage, action: &str, fields: &[(String, String)]) -> String {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let (status, to) = stage.send(action, ADMIN, &fields).await;
    assert_eq!(status, 303, "{action} {fields:?}");
    stage.page(&to, ADMIN).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_saved_as_it_was_shown_changes_nothing() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let program = id(db, "program").await;
    let zone = text(db, "SELECT time_zone FROM program").await;
    let zone = domain::calendar::zone(&zone).expect("a zone");
    let today = domain::calendar::local_date(chrono::Utc::now(), zone).to_string();
    let tier = id(db, "tier WHERE rank = 2").await;
    for currency in [
        "EUR", "ISK", "UGX", "MGA", "JPY", "KWD", "HUF", "TWD", "CLP", "BHD",
    ] {
        for sql in [
            format!("UPDATE program SET currency = '{currency}'"),
            "UPDATE policy_version SET payout_minimum = 500000, second_approval_above = 25000000, \
             auto_approve_below = 1234500, payout_minimums = '{\"ISK\":600000,\"USD\":6000}', \
             second_approvals = '{\"UGX\":700000,\"CHF\":7000}'"
                .to_owned(),
            format!("UPDATE tier SET min_revenue = 12345600 WHERE id = {tier}"),
        ] {
            // A currency's exception for itself is none.
            run_sql(&stage, &sql.replace(&format!("\"{currency}\""), "\"GBP\"")).await;
        }
        let policies = format!("/admin/programs/{program}/policies");
        let (_, page) = stage.page(&format!("{policies}/new"), ADMIN).await;
        let mut fields = as_shown(&page, &policies);
        assert!(
            fields
                .iter()
                .any(|(name, _)| name == "second_approval_above")
        );
        for (name, value) in &mut fields {
            if name == "effective_date" {
                *value = today.clone();
            }
        }
        let page = save(&stage, &policies, &fields).await;
        assert!(
            page.contains("Nothing differs from the version before."),
            "{currency}: {fields:?}"
        );

        let tiers = format!("/admin/programs/{program}/tiers/{tier}");
        let (_, page) = stage.page(&tiers, ADMIN).await;
        save(&stage, &tiers, &as_shown(&page, &tiers)).await;
        let kept = text(
            db,
            &format!("SELECT CAST(min_revenue AS TEXT) FROM tier WHERE id = {tier}"),
        )
        .await;
        assert_eq!(kept, "12345600", "{currency}");
    }
}

/// A page, a file and a sentence give an amount of a currency that Stripe counts in its own way alike.
#[tokio::test(flavor = "multi_thread")]
async fn pages_and_files_count_as_stripe_does() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let payout = id(db, "payout WHERE status = 'paid'").await;
    for (currency, shown, file) in [
        ("ISK", "ISK\u{a0}1,500", ",1500,"),
        ("UGX", "UGX\u{a0}1,500", ",1500,"),
        ("MGA", "MGA\u{a0}150,000", ",150000,"),
        ("KWD", "KWD\u{a0}150.000", ",150.000,"),
        ("HUF", "HUF\u{a0}1,500.00", ",1500.00,"),
    ] {
        let sql = format!(
            "UPDATE payout SET amount = 150000, currency = '{currency}' WHERE id = {payout}"
        );
        run_sql(&stage, &sql).await;
        let (_, page) = stage
            .page(&format!("/finance/payouts/{payout}"), "finance")
            .await;
        assert!(page.contains(shown), "{currency}");
        let list = format!("/finance/payouts.csv?currency={currency}");
        let (_, csv) = stage.page(&list, "finance").await;
        let row = csv
            .lines()
            .find(|row| row.starts_with(&format!("{payout},")));
        assert!(row.is_some_and(|row| row.contains(file)), "{csv}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_what_was_sent_and_what_failed() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let run = id(
        db,
        "payout_run r WHERE status = 'done' AND (SELECT count(*) FROM payout p \
         WHERE p.run_id = r.id AND p.status = 'paid') > 1",
    )
    .await;
    let payout = id(
        db,
        &format!("payout WHERE run_id = {run} AND status = 'paid'"),
    )
    .await;
    run_sql(
        &stage,
        &format!(
            "UPDATE payout SET status = 'failed', failure = 'Refused', transfer_id = NULL, \
             amount = 123456 WHERE id = {payout}"
        ),
    )
    .await;
    let here = format!("/finance/runs/{run}");
    let (status, page) = stage.page(&here, "finance").await;
    assert_eq!(status, 200);
    for words in [
        "Done, 1 failed",
        "Approved, EUR",
        "Sent, EUR",
        "Failed, EUR",
        "€1,234.56",
    ] {
        assert!(page.contains(words), "“{words}” is not in:\n{page}");
    }
    let (_, page) = stage.page("/finance/runs", "finance").await;
    assert!(page.contains("Done, 1 failed"));
    let (_, csv) = stage.page(&format!("{here}/items.csv"), "finance").await;
    let head: Vec<&str> = csv.lines().next().expect("a head").split(',').collect();
    let column = |name: &str| head.iter().position(|cell| *cell == name).expect(name);
    let row = csv
        .lines()
        .find(|row| row.contains(&format!(",{payout},failed,")))
        .expect("the failed payout");
    let cells: Vec<&str> = row.split(',').collect();
    let of = |name: &str| cells[cells.len() - head.len() + column(name)];
    assert_eq!(
        (of("Approved"), of("Sent"), of("Failed"), of("Taken back")),
        ("1234.56", "0.00", "1234.56", "0.00")
    );
}

/// A number of a CSV file in hundredths.
fn hundredths(cell: &str) -> i64 {
    cell.replace('.', "")
        .parse()
        .unwrap_or_else(|e| panic!("{cell}: {e}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_add_up_on_pages_and_in_files() {
    let stage = Stage::new().await;
    let (_, months) = stage.page("/partner/statements.csv", "owner of A").await;
    let rows: Vec<Vec<&str>> = months
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect())
        .filter(|row: &Vec<&str>| row[1] == "EUR")
        .collect();
    assert!(rows.len() > 3, "{months}");
    // Newest first: each month begins with what the one before ended with.
    for pair in rows.windows(2) {
        assert_eq!(pair[0][2], pair[1][8], "{pair:?}");
    }
    for row in &rows {
        let [opening, earned, back, given_up, sent, returned, closing] =
            [2, 3, 4, 5, 6, 7, 8].map(|i| hundredths(row[i]));
        assert_eq!(
            opening + earned + back + given_up - sent + returned,
            closing
        );
        let here = format!("/partner/statements/{}/EUR", row[0]);
        let (_, csv) = stage
            .page(&format!("{here}/statement.csv"), "owner of A")
            .await;
        let movements: Vec<Vec<&str>> = csv
            .lines()
            .skip(1)
            .map(|row| row.rsplit(',').collect())
            .collect();
        // From the right: currency, balance, amount.
        let mut balance = opening;
        for movement in &movements {
            balance += hundredths(movement[2]);
            assert_eq!(balance, hundredths(movement[1]), "{csv}");
        }
        assert_eq!(balance, closing);
        let (status, page) = stage.page(&here, "owner of A").await;
        assert_eq!(status, 200);
        assert!(page.contains("Opening balance") && page.contains("Closing balance"));
    }
    // The last one ends with what the ledger says is owed.
    let owed = text(
        &stage.portal.db,
        "SELECT CAST(sum(balance) AS TEXT) FROM ledger_account WHERE currency = 'EUR' AND partner_id \
         = (SELECT id FROM partner WHERE domain = 'nordlicht-systeme.example')",
    )
    .await;
    assert_eq!(hundredths(rows[0][8]).to_string(), owed);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_posting_is_in_one_month_of_the_export() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let first = text(db, "SELECT min(created_at) FROM ledger_transaction").await;
    let last = text(db, "SELECT max(created_at) FROM ledger_transaction").await;
    let month =
        |at: &str| -> chrono::NaiveDate { format!("{}-01", &at[..7]).parse().expect("a month") };
    let mut found = 0;
    // The zone's months may begin before and end after those of UTC.
    let months = |day: chrono::NaiveDate| day.checked_add_months(chrono::Months::new(1));
    let mut next = month(&first) - chrono::Months::new(1);
    while next <= months(month(&last)).expect("a month") {
        let path = format!("/finance/ledger.csv?month={}", next.format("%Y-%m"));
        let (status, csv) = stage.page(&path, "finance").await;
        assert_eq!(status, 200, "{path}");
        assert!(csv.starts_with("Transaction,Reference,"), "{csv}");
        found += csv.lines().count() - 1;
        next = months(next).expect("a month");
    }
    let all = text(db, "SELECT CAST(count(*) AS TEXT) FROM posting").await;
    assert_eq!(found.to_string(), all);
    for wrong in ["month=soon", "month=2026-01&zone=Mars/Olympus"] {
        let (status, _) = stage
            .page(&format!("/finance/ledger.csv?{wrong}"), "finance")
            .await;
        assert_eq!(status, 422, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_country_can_be_chosen() {
    let stage = Stage::new().await;
    let (status, page) = stage.page("/partner/deals/new", "owner of A").await;
    assert_eq!(status, 200);
    for (code, _) in domain::validate::countries() {
        assert!(
            page.contains(&format!("<option value=\"{code}\"")),
            "{code}"
        );
    }
    assert!(page.contains(">Kosovo<"), "{page}");
}
