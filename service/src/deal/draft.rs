//! The draft: begun, kept as typed, copied, thrown away.

use domain::deal::{DealStatus as D, SalesStage};
use entity::deal::{ActiveModel, Column, Entity, Model};
use entity::{deal_product_line, product_line};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};

use super::{Fields, note, own, status, submit};
use crate::application::{Question, questions};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::learning::{Missing, missing_for_deals};
use crate::program;
use crate::stale;

/// Everything the form needs.
#[derive(Clone, Debug)]
pub struct DraftForm {
    /// `deal.id`; none before the first save.
    pub id: Option<i64>,
    /// Where it stands.
    pub status: D,
    /// What is kept.
    pub fields: Fields,
    /// Which state of it this is; what is typed over another one is not kept.
    pub seen: String,
    /// What the program sells.
    pub lines: Vec<product_line::Model>,
    /// The program's own questions.
    pub questions: Vec<Question>,
    /// Currencies to choose from, the likeliest first.
    pub currencies: Vec<String>,
    /// The course to pass first; none when the organisation may register.
    pub missing: Option<Missing>,
    /// Business hours in which an answer is promised.
    pub review_hours: i64,
    /// Days an approved registration is protected.
    pub protection_days: i64,
}

/// The form of one of the organisation's registrations, or an empty one.
///
/// # Errors
/// [`Error::NotFound`] for a foreign one; [`Error::Conflict`] when it cannot be changed any more.
pub async fn form(ctx: &Context, id: Option<i64>) -> Result<DraftForm> {
    let (partner_id, ..) = ctx.partner()?;
    let db = ctx.reader();
    let partner = entity::partner::Entity::find_by_id(partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let program = program::by_id(db, partner.program_id).await?;
    let policy = program::policy_at(db, program.id, ctx.now()).await?;
    let (state, version, fields) = match id {
        Some(id) => {
            let deal = own(ctx, db, id).await?;
            let state = status(&deal)?;
            editable(state)?;
            let lines = lines_of(db, id).await?;
            (
                state,
                stale::version(deal.updated_at),
                Fields::of(&deal, &lines),
            )
        }
        None => (
            D::Draft,
            String::new(),
            Fields {
                currency: partner.currency.clone(),
                ..Fields::default()
            },
        ),
    };
    let mut currencies = vec![
        partner.currency,
        program.currency.clone(),
        fields.currency.clone(),
    ];
    currencies.extend(["EUR", "USD", "GBP", "CHF", "JPY"].map(str::to_owned));
    let mut seen = std::collections::HashSet::new();
    currencies.retain(|c| !c.is_empty() && seen.insert(c.clone()));
    Ok(DraftForm {
        id,
        status: state,
        fields,
        seen: version,
        lines: program::product_lines(db, program.id).await?,
        questions: questions(&program.deal_questions)?,
        currencies,
        missing: missing_for_deals(db, partner_id, ctx.now()).await?,
        review_hours: policy.deal_review_hours,
        protection_days: policy.protection_days,
    })
}

/// The organisation's own registration as it is until the transaction ends, if it is still what the
/// form showed.
async fn as_seen(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    id: i64,
    fields: &Fields,
) -> Result<Model> {
    Entity::find_by_id(id)
        .select_only()
        .column(Column::Id)
        .lock_exclusive()
        .into_tuple::<i64>()
        .one(tx)
        .await?;
    let deal = own(ctx, tx, id).await?;
    stale::check(&fields.seen, deal.updated_at, "registration")?;
    Ok(deal)
}

fn editable(state: D) -> Result<()> {
    if state.is_editable() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "This registration is “{}” and can no longer be changed. Add a comment instead.",
        state.label()
    )))
}

/// Begins a registration with what is typed so far; returns its id.
///
/// # Errors
/// [`Error::NotFound`] for people who act for no partner.
pub async fn start(ctx: &Context, fields: &Fields) -> Result<i64> {
    let tx = ctx.begin().await?;
    let deal = begun(ctx, &*tx, fields).await?;
    tx.commit().await?;
    Ok(deal.id)
}

/// A draft with what is typed so far.
pub(super) async fn begun(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    fields: &Fields,
) -> Result<Model> {
    let deal = insert(ctx, tx).await?;
    keep(ctx, tx, &deal, fields).await?;
    Ok(deal)
}

/// An empty draft of the actor's organisation.
async fn insert(ctx: &Context, tx: &impl ConnectionTrait) -> Result<Model> {
    let (partner_id, person_id, _) = ctx.partner()?;
    let partner = entity::partner::Entity::find_by_id(partner_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Entity::insert(ActiveModel {
        program_id: Set(partner.program_id),
        partner_id: Set(partner_id),
        person_id: Set(person_id),
        status: Set(D::Draft.into()),
        stage: Set(SalesStage::Prospecting.into()),
        customer_name: Set(String::new()),
        customer_domain: Set(String::new()),
        customer_country: Set(String::new()),
        contact_name: Set(String::new()),
        contact_email: Set(String::new()),
        need: Set(String::new()),
        competitors: Set(String::new()),
        notes: Set(String::new()),
        currency: Set(partner.currency),
        answers: Set(serde_json::json!({})),
        conflicts: Set(serde_json::json!([])),
        extensions_used: Set(0),
        created_at: Set(ctx.now()),
        updated_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?)
}

/// Writes a draft's fields as typed.
async fn keep(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    fields: &Fields,
) -> Result<()> {
    let program = program::by_id(tx, deal.program_id).await?;
    let asked = questions(&program.deal_questions)?;
    let offered = program::product_lines(tx, program.id).await?;
    update(ctx, tx, deal, fields.as_typed(&asked, &program.currency)?).await?;
    set_lines(tx, deal.id, &fields.lines(&offered)).await
}

/// Writes columns, as long as nobody has moved the registration on.
pub(super) async fn update(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    columns: Vec<(Column, Expr)>,
) -> Result<()> {
    let mut update = Entity::update_many().col_expr(Column::UpdatedAt, Expr::value(ctx.now()));
    for (column, value) in columns {
        update = update.col_expr(column, value);
    }
    let done = update
        .filter(Column::Id.eq(deal.id))
        .filter(Column::Status.eq(&deal.status))
        .exec(tx)
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    Err(Error::conflict(
        "The registration has changed meanwhile. Reload the page to see how it stands.",
    ))
}

/// Keeps what is typed so far. A draft takes anything; while the reviewer waits for information the
/// form has to stay complete.
///
/// # Errors
/// [`Error::Conflict`] once it cannot be changed any more, [`Error::Invalid`] by field.
pub async fn save(ctx: &Context, id: i64, fields: &Fields) -> Result<()> {
    let tx = ctx.begin().await?;
    let deal = as_seen(ctx, &*tx, id, fields).await?;
    let state = status(&deal)?;
    editable(state)?;
    if state == D::Draft {
        keep(ctx, &*tx, &deal, fields).await?;
    } else {
        submit::correct(ctx, &*tx, &deal, fields).await?;
        note(
            ctx,
            &*tx,
            &deal,
            "deal.changed",
            "The registration was corrected.",
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Throws a draft away.
///
/// # Errors
/// [`Error::Conflict`] once it was sent: what was sent stays on the record.
pub async fn discard(ctx: &Context, id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    own(ctx, &*tx, id).await?;
    let gone = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq(D::Draft.as_str()))
        .exec(&*tx)
        .await?;
    if gone.rows_affected == 0 {
        return Err(Error::conflict(
            "This registration was sent and stays on the record.",
        ));
    }
    tx.commit().await?;
    Ok(())
}

/// Begins a new registration like one that came to nothing; returns its id.
///
/// # Errors
/// [`Error::Conflict`] for one that is still open, was won, or still waits for its turn.
pub async fn again(ctx: &Context, id: i64) -> Result<i64> {
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    let state = status(&deal)?;
    if !matches!(
        state,
        D::Rejected | D::Lost | D::Expired | D::Withdrawn | D::Duplicate
    ) {
        return Err(Error::conflict(format!(
            "This registration is “{}”; there is nothing to register again.",
            state.label()
        )));
    }
    let copied = copy(ctx, &*tx, &deal).await?;
    tx.commit().await?;
    Ok(copied)
}

/// Copies fields, product lines and files into a new draft; returns its id.
pub(super) async fn copy(ctx: &Context, tx: &impl ConnectionTrait, deal: &Model) -> Result<i64> {
    let draft = insert(ctx, tx).await?;
    let lines = lines_of(tx, deal.id).await?;
    let mut fields = Fields::of(deal, &lines);
    if deal
        .expected_close
        .is_some_and(|d| d < ctx.now().date_naive())
    {
        fields.expected_close.clear();
    }
    keep(ctx, tx, &draft, &fields).await?;
    tx.execute_raw(Statement::from_sql_and_values(
        tx.get_database_backend(),
        "INSERT INTO attachment (deal_id, person_id, file_name, media_type, size, sha256, content, created_at) \
         SELECT $1, person_id, file_name, media_type, size, sha256, content, created_at \
         FROM attachment WHERE deal_id = $2 ORDER BY id",
        [draft.id.into(), deal.id.into()],
    ))
    .await?;
    Ok(draft.id)
}

/// The product lines' ids of a registration, ascending.
pub(super) async fn lines_of(db: &impl ConnectionTrait, id: i64) -> Result<Vec<i64>> {
    let rows = deal_product_line::Entity::find()
        .filter(deal_product_line::Column::DealId.eq(id))
        .order_by_asc(deal_product_line::Column::ProductLineId)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|l| l.product_line_id).collect())
}

/// Makes these the registration's product lines.
pub(super) async fn set_lines(tx: &impl ConnectionTrait, id: i64, lines: &[i64]) -> Result<()> {
    deal_product_line::Entity::delete_many()
        .filter(deal_product_line::Column::DealId.eq(id))
        .exec(tx)
        .await?;
    if lines.is_empty() {
        return Ok(());
    }
    deal_product_line::Entity::insert_many(lines.iter().map(|line| {
        deal_product_line::ActiveModel {
            deal_id: Set(id),
            product_line_id: Set(*line),
            ..Default::default()
        }
    }))
    .exec_without_returning(tx)
    .await?;
    Ok(())
}
