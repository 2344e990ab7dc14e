//! Tables and indexes as requests define them: whether a definition holds together, and the record it
//! makes. Not the catalog, which keeps it.

pub(crate) mod billing;
pub(crate) mod index;
pub(crate) mod key;
pub(crate) mod tags;
pub(crate) mod wording;
