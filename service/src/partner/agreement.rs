//! Signing the program's terms: name, time, address and version.

use entity::agreement::{ActiveModel, Column, Entity};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::context::{Actor, Context};
use crate::error::{Error, FieldErrors, Result, is_duplicate};
use crate::event::Entry;
use crate::mail::{self, letters};
use crate::program;

/// Whether the partner `p` of a statement has signed the terms that apply at `{now}`. Under these and
/// no others commission is paid: the checklist says so, and the payouts' gate asks for it.
pub(crate) const SIGNED: &str = "\
    EXISTS (SELECT 1 FROM agreement g WHERE g.partner_id = p.id AND g.terms_version_id = ( \
      SELECT t.id FROM terms_version t \
      WHERE t.program_id = p.program_id AND t.effective_from <= {now} \
      ORDER BY t.effective_from DESC, t.version DESC LIMIT 1))";

/// The terms that apply now and what the organisation has signed.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The terms that apply now.
    pub terms: entity::terms_version::Model,
    /// The signature under them.
    pub signed: Option<entity::agreement::Model>,
    /// Every signature with the version it is under, newest first.
    pub earlier: Vec<(entity::agreement::Model, i64)>,
}

/// The agreement of a partner: its own people's, and staff's to see.
///
/// # Errors
/// [`Error::NotFound`] for somebody else's organisation.
pub async fn agreement(ctx: &Context, partner_id: i64) -> Result<Agreement> {
    let allowed = match ctx.actor {
        Actor::Partner {
            partner_id: own, ..
        } => own == partner_id,
        Actor::Staff { .. } => true,
        _ => false,
    };
    if !allowed {
        return Err(Error::NotFound);
    }
    let db = ctx.reader();
    let partner = entity::partner::Entity::find_by_id(partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let terms = program::terms_at(db, partner.program_id, ctx.now()).await?;
    let rows = Entity::find()
        .find_also_related_terms()
        .filter(Column::PartnerId.eq(partner_id))
        .order_by_desc(Column::Id)
        .all(db)
        .await?;
    let earlier: Vec<_> = rows
        .into_iter()
        .map(|(a, t)| (a, t.map_or(0, |t| t.version)))
        .collect();
    let signed = earlier
        .iter()
        .find(|(a, _)| a.terms_version_id == terms.id)
        .map(|(a, _)| a.clone());
    Ok(Agreement {
        terms,
        signed,
        earlier,
    })
}

/// Joins a signature with the terms it is under.
trait WithTerms {
    fn find_also_related_terms(self) -> sea_orm::SelectTwo<Entity, entity::terms_version::Entity>;
}

impl WithTerms for sea_orm::Select<Entity> {
    fn find_also_related_terms(self) -> sea_orm::SelectTwo<Entity, entity::terms_version::Entity> {
        use sea_orm::{JoinType, QuerySelect, RelationTrait};
        self.join(
            JoinType::InnerJoin,
            entity::agreement::Relation::TermsVersion.def(),
        )
        .select_also(entity::terms_version::Entity)
    }
}

/// Signs the terms the owner has just read.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] when the terms have changed or are signed.
pub async fn sign(
    ctx: &Context,
    terms_version_id: &str,
    typed_name: &str,
    agrees: bool,
    ip: &str,
) -> Result<()> {
    let (partner_id, person_id) = ctx.owner()?;
    let mut errors = FieldErrors::new();
    let name = errors
        .check(
            "signed_name",
            domain::validate::required(typed_name, "your full name as your signature", 120),
        )
        .unwrap_or_default();
    let person = entity::person::Entity::find_by_id(person_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    if !domain::fold::same_name(&name, &person.name) {
        errors.add(
            "signed_name",
            format!(
                "You sign in your own name, which is {} here. If that is not how you are called, \
                 correct it under Preferences first; somebody else signs with an account of their \
                 own.",
                person.name
            ),
        );
    }
    if !agrees {
        errors.add(
            "agrees",
            "Please confirm that you may sign for your organisation.",
        );
    }
    errors.finish()?;
    let tx = ctx.begin().await?;
    let partner = super::record::of(ctx, &*tx).await?;
    let terms = program::terms_at(&*tx, partner.program_id, ctx.now()).await?;
    if terms_version_id != terms.id.to_string() {
        return Err(Error::conflict(format!(
            "The terms have changed meanwhile; version {} is shown now. Please read it before you sign.",
            terms.version
        )));
    }
    Entity::insert(ActiveModel {
        partner_id: Set(partner_id),
        person_id: Set(person_id),
        terms_version_id: Set(terms.id),
        signed_name: Set(name.clone()),
        ip: Set(ip.chars().take(64).collect()),
        signed_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await
    .map_err(|e| {
        if is_duplicate(&e) {
            Error::conflict("This version is signed already.")
        } else {
            e.into()
        }
    })?;
    Entry::new(
        "agreement.signed",
        "partner",
        partner_id,
        format!("Agreement version {} signed by {name}.", terms.version),
    )
    .partner(partner_id)
    .detail(serde_json::json!({ "terms_version": terms.version, "ip": ip }))
    .record(ctx, &*tx)
    .await?;
    let copy = letters::signed(&partner.name, &name, ctx.now(), &terms);
    mail::send_to_owners(ctx, &*tx, partner_id, copy).await?;
    tx.commit().await?;
    Ok(())
}
