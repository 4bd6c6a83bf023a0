//! Plans: written, tried on past invoices, published from a day on.

mod editing;
mod simulation;

use entity::{plan, plan_version};
use sea_orm::EntityTrait;
use service::Error;

use crate::support::errors;
use crate::world::World;

/// The plan the world's partners are paid by.
async fn standard(world: &World) -> plan::Model {
    plan::Entity::find()
        .one(world.test.db.reader())
        .await
        .expect("read")
        .expect("is there")
}

async fn row(world: &World, id: i64) -> plan_version::Model {
    plan_version::Entity::find_by_id(id)
        .one(world.test.db.reader())
        .await
        .expect("read")
        .expect("is there")
}

fn invalid<T: std::fmt::Debug>(result: Result<T, Error>, field: &str) -> String {
    let errors = errors(result);
    errors
        .0
        .get(field)
        .cloned()
        .unwrap_or_else(|| panic!("nothing at {field}: {errors}"))
}
