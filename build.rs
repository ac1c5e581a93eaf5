//! How the static release program is linked.
//!
//! Unwind tables are left out: an eighth of its size, and of no use to a program that aborts where it panics and has
//! no symbols to name the frames by.
//!
//! What a sidecar that waits and reloads does not run is kept apart. The kernel maps 64 KiB around each page that is
//! touched, so that code which nobody runs is resident where it lies among code that runs: it was a quarter of the
//! resident memory. Nothing is mapped beyond the segment of the page that is touched, so each kind has its own.
//!
//! The names are parts of mangled names, old and new. One that fits nothing any more, or fits too much, costs memory
//! and nothing else; the budgets of `benches/costs` show it.

use std::path::PathBuf;
use std::{env, fs, io};

/// Runs where metrics are scraped, logs are JSON or verbose, or a directory or the process table is large.
const SELDOM: &[&str] = &[
    "prometheus_client*encod",
    "3fmt5float",
    "7flt2dec",
    "4dtoa",
    "serde_json?",
    // Not that of strings, which quotes names in the log.
    "fmt..Debug$GT$3fmt",
    "4sort*quicksort",
    "4sort*drift",
    "bulk_steal",
    "do_merge",
];

/// Runs in `check`, in a panic, or not at all. A name that ends in `?` may not be the last: there it says only which
/// crate a function of the standard library was first made for, and not who calls it.
const NEVER: &[&str] = &[
    // Backtraces, which abort leaves no use for, and which the standard library brings along.
    "gimli?",
    "addr2line?",
    "miniz_oxide?",
    "rustc_demangle?",
    "backtrace_rs?",
    "panicking",
    "7dec2flt",
    "3cli5check",
    "4mpmc4zero",
    "CpusWrapper",
];

/// C libraries' objects that only backtraces need.
const NEVER_OBJECTS: &[&str] = &["*libunwind.a:*", "*libc.a:vfprintf.*"];

/// The same code for many types is one function with the name of any of them, so that the name says nothing.
const ANYBODYS: &[&str] = &["raw_vec", "drop_in_place", "Drop*4drop"];

/// Sections of this kind (`.text`, `.rodata`) with one of these in their name.
fn named(kind: &str, names: &[&str]) -> String {
    let patterns: Vec<String> = names.iter().map(|name| format!("{kind}.*{name}*")).collect();
    format!("*({})", patterns.join(" "))
}

/// Sections of this kind from these objects.
fn from_objects(kind: &str, objects: &[&str]) -> String {
    let patterns: Vec<String> = objects.iter().map(|object| format!("{object}({kind} {kind}.*)")).collect();
    patterns.join(" ")
}

/// For GNU ld's way to add to its own script (`INSERT`), where a section is the first's that asks for it.
fn script() -> String {
    let never = |kind| format!("{} {}", from_objects(kind, NEVER_OBJECTS), named(kind, NEVER));
    // A page is left out, which makes a segment, and the place in the page is kept, which leaves no gap in the file.
    let apart = "ALIGN(64) + 2 * CONSTANT(MAXPAGESIZE)";
    format!(
        "SECTIONS {{
  /DISCARD/ : {{ *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table .gcc_except_table.*) }}
}} INSERT AFTER .text;
SECTIONS {{ .text.anybodys : {{ {anybodys} }} }} INSERT BEFORE .text;
SECTIONS {{
  .text.never {apart} : {{ {text} }}
  .text.seldom {apart} : {{ {seldom} }}
  .rodata.never {apart} : {{ {rodata} }}
}} INSERT AFTER .fini;
/* Beside the headers, which are resident anyway. */
SECTIONS {{ .rodata.used : {{ *(.rodata .rodata.*) }} }} INSERT AFTER .rela.plt;
",
        anybodys = named(".text", ANYBODYS),
        seldom = named(".text", SELDOM),
        text = never(".text"),
        rodata = never(".rodata"),
    )
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|set| set == value);
    // The release profile of Cargo.toml aborts; `CARGO_CFG_PANIC` is the target's word, not the profile's.
    if is("CARGO_CFG_TARGET_ENV", "musl") && is("PROFILE", "release") {
        let directory = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
        let path = PathBuf::from(directory).join("layout.ld");
        fs::write(&path, script())?;
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{}", path.display());
    }
    Ok(())
}
