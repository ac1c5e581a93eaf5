//! Leaves the unwind tables out of the static release program: an eighth of its size, and of no use to a
//! program that aborts where it panics and has no symbols to name the frames by.

use std::path::PathBuf;
use std::{env, fs, io};

/// GNU ld's way to add to its own script (`INSERT`).
const SCRIPT: &str = "SECTIONS {
  /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table .gcc_except_table.*) }
} INSERT AFTER .text;
";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|set| set == value);
    // The release profile of Cargo.toml aborts; `CARGO_CFG_PANIC` is the target's word, not the profile's.
    if is("CARGO_CFG_TARGET_ENV", "musl") && is("PROFILE", "release") {
        let directory = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
        let script = PathBuf::from(directory).join("no-unwind-tables.ld");
        fs::write(&script, SCRIPT)?;
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{}", script.display());
    }
    Ok(())
}
