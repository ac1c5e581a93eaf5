//! Watches mounted configuration and signals a process in the same PID namespace: one signal for each
//! change, none lost, nobody harmed.
//!
//! Data flows one way, and no module uses a later one; only [`daemon`] knows the order:
//!
//! | stage | does | IO |
//! |---|---|---|
//! | [`settings`] | raw strings → validated [`Settings`](settings::Settings) | – |
//! | [`kubelet`], [`mounts`], [`scope`], [`walk`] | what the kubelet writes, what is mounted, which names count | names and kinds only |
//! | [`watch`] | kernel events → one bounded slot for each watched path | inotify |
//! | [`filter`] | can this event mean a change? | – |
//! | [`settle`] | when is the whole configuration complete? | – |
//! | [`volume`] | what does a watched path hold now? snapshot, digest | reads files |
//! | [`process`] | which process is the target? table, choice, pin | reads `/proc` |
//! | [`signal`] | sends the signal | `pidfd_send_signal` |
//! | [`reload`] | which configuration is wanted, who has it, when to try again | – |
//! | [`check`] | what is wrong with all of the above now, and the mend | looks, and changes nothing |
//! | [`report`] | what happened → log lines, metrics | standard error |
//! | [`http`] | whoever asks → requests, which the loop answers | TCP |
//!
//! Two threads run. `notify`'s adds each event to the inbox and, where the event completes a kubelet volume, takes the change
//! all the way to the signal itself. The loop of [`daemon`] sleeps until a deadline, a request, or an event that was left to
//! it. They work on the stages one at a time, and `notify`'s thread never waits.

pub mod check;
pub mod cli;
pub mod daemon;
pub mod filter;
pub mod http;
pub mod kubelet;
pub mod mounts;
pub mod process;
pub mod reload;
pub mod report;
pub mod scope;
pub mod settings;
pub mod settle;
pub mod signal;
mod sys;
pub mod volume;
pub mod walk;
pub mod watch;
