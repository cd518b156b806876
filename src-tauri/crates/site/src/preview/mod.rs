//! Previews: what was made, served on this machine by a supervised process.
//!
//! A [`Service`] says what to run and how it is known that it answers; started, it is a [`Served`], on record, by which any process
//! [lists](list), [stops](stop) and starts it again. [`sweep`] ends what a start of Clonedeck that is gone left behind, or takes it
//! over. A copy of a site becomes a service by its [`Plan`]: PHP's own server, kept from the world as the copy is.

mod copy;
mod record;
mod runtime;
mod service;

pub use copy::{Plan, address, free_port};
pub use record::{Served, list, stop, sweep};
pub use runtime::Php;
pub use service::{PORT, Service, is_free, refusal, taken};
