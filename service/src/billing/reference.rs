//! The reference that a partner puts into a checkout, so that the customer is known as its deal's.
//!
//! Stripe takes letters, digits, `-` and `_`, 200 at most, and a buyer can type whatever a link says.
//! What Portico makes therefore carries a signature by a secret of the installation; anything else is
//! a hint.

use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use sha2::Sha256;

use crate::context::Context;
use crate::error::{Error, Result};

/// The row of `setting` that keeps the secret.
const SECRET: &str = "reference.secret";
/// Bytes of the signature that are shown: 128 bits.
const SHOWN: usize = 16;

/// What a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Deal(i64),
    Account(i64),
}

/// A reference, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) named: Named,
    /// Whether Portico made it.
    pub(super) signed: bool,
}

/// The secret of this installation.
pub(super) struct Secret(Vec<u8>);

impl Secret {
    /// The one that is kept; none while no reference was ever shown.
    pub(super) async fn kept(db: &impl ConnectionTrait) -> Result<Option<Self>> {
        let row = entity::setting::Entity::find_by_id(SECRET).one(db).await?;
        row.map(|row| hex::decode(row.value).map(Self).map_err(Error::internal))
            .transpose()
    }

    /// The same; made now where there is none. Two that ask at once get the same one.
    async fn made(ctx: &Context) -> Result<Self> {
        if let Some(kept) = Self::kept(ctx.reader()).await? {
            return Ok(kept);
        }
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        let tx = ctx.begin().await?;
        entity::setting::Entity::insert(entity::setting::ActiveModel {
            id: Set(SECRET.to_owned()),
            value: Set(hex::encode(bytes)),
        })
        .on_conflict(
            OnConflict::column(entity::setting::Column::Id)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&*tx)
        .await?;
        let kept = Self::kept(&*tx).await?;
        tx.commit().await?;
        kept.ok_or_else(|| Error::internal("the secret of references was not kept"))
    }

    fn mac(&self, deal_id: i64) -> Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(Error::internal)?;
        mac.update(format!("portico_deal_{deal_id}").as_bytes());
        Ok(mac)
    }
}

/// The reference of a registration, for a checkout's `client_reference_id`.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn of_deal(ctx: &Context, deal_id: i64) -> Result<String> {
    let mac = Secret::made(ctx).await?.mac(deal_id)?.finalize();
    let shown = hex::encode(&mac.into_bytes()[..SHOWN]);
    Ok(format!("portico_deal_{deal_id}_{shown}"))
}

/// Reads `portico_deal_12_0f…`, `portico_deal_12` or `portico_account_7`. A signature that is not
/// ours is no better than none.
pub(super) fn read(text: &str, secret: Option<&Secret>) -> Option<Reference> {
    let text = text.trim();
    let Some(deal) = text.strip_prefix("portico_deal_") else {
        let account = text.strip_prefix("portico_account_")?.parse().ok()?;
        return Some(Reference {
            named: Named::Account(account),
            signed: false,
        });
    };
    let (number, signature) = deal.split_once('_').unwrap_or((deal, ""));
    let id: i64 = number.parse().ok()?;
    let signed = secret.is_some_and(|secret| fits(secret, id, signature));
    Some(Reference {
        named: Named::Deal(id),
        signed,
    })
}

fn fits(secret: &Secret, deal_id: i64, signature: &str) -> bool {
    let Ok(given) = hex::decode(signature) else {
        return false;
    };
    given.len() == SHOWN
        && secret
            .mac(deal_id)
            .is_ok_and(|mac| mac.verify_truncated_left(&given).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_plain(text: &str) -> Option<Named> {
        let read = read(text, None)?;
        assert!(!read.signed, "nobody signed {text}");
        Some(read.named)
    }

    #[test]
    fn references_are_read() {
        assert_eq!(read_plain("portico_deal_12"), Some(Named::Deal(12)));
        assert_eq!(read_plain(" portico_account_7 "), Some(Named::Account(7)));
        for bad in ["", "12", "portico_deal_", "portico_deal_x", "deal_12"] {
            assert_eq!(read_plain(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_signature_is_of_one_deal_and_one_installation() {
        let secret = Secret(vec![7; 32]);
        let mac = secret.mac(12).expect("any key").finalize().into_bytes();
        let good = hex::encode(&mac[..SHOWN]);
        let signed = |text: String, secret: &Secret| read(&text, Some(secret)).map(|r| r.signed);
        assert_eq!(
            signed(format!("portico_deal_12_{good}"), &secret),
            Some(true)
        );
        assert_eq!(
            signed(format!("portico_deal_13_{good}"), &secret),
            Some(false)
        );
        assert_eq!(
            signed(format!("portico_deal_12_{}", &good[..8]), &secret),
            Some(false)
        );
        assert_eq!(signed("portico_deal_12_".to_owned(), &secret), Some(false));
        let other = Secret(vec![8; 32]);
        assert_eq!(
            signed(format!("portico_deal_12_{good}"), &other),
            Some(false)
        );
    }
}
