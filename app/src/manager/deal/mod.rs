//! Deals for managers: the queue by age, the review, the conflict desk and the pipeline.

mod desk;
mod pipeline;
mod queue;
mod record;
mod reward;

use crate::routes::Routes;

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(queue::routes())
        .merge(record::routes())
        .merge(reward::routes())
        .merge(desk::routes())
        .merge(pipeline::routes())
}
