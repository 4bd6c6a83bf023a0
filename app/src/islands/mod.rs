//! What answers while people type: the only part of the pages that runs in the browser.
//!
//! Everything here makes work faster that can also be done without it. The module stays small, so
//! that a first visit does: what every page needs (clocks that tick, chart values, estimates,
//! character counters, upload progress) is one island that listens on the document and reads `data-`
//! attributes, instead of hundreds that each own an element and its properties.

// The macro makes a public struct of its own beside the function, without documentation.
#[allow(missing_docs)]
pub mod assist;
#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "ssr")]
pub mod estimate;
#[cfg(feature = "ssr")]
pub mod exam;
#[cfg(feature = "hydrate")]
mod fields;
#[cfg(feature = "hydrate")]
mod live;
#[cfg(feature = "hydrate")]
mod palette;
#[cfg(feature = "ssr")]
pub mod server;
