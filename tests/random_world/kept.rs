//! Worlds in which a promise was broken once.
