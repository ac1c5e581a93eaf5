//! What the tests, the demo and the benches of `config-reloader-sidecar` share.
//!
//! - [`kubelet`] writes a directory as the kubelet writes the volume of a `ConfigMap` or Secret.
//! - [`counter`] is a program that counts the signals it gets and tells what it could read then.
//! - [`target`] runs that program for a test, under any name and in any state.
//! - [`wait`] waits for a condition, with a deadline and without blind sleeps.
//! - [`clock`] is the time base of all of them, so that their times can be compared.

pub mod clock;
pub mod counter;
pub mod kubelet;
pub mod target;
pub mod wait;
