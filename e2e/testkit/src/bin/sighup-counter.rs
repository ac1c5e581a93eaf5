//! Counts the signals it gets; see `sidecar_testkit::counter`.

fn main() -> std::process::ExitCode {
    sidecar_testkit::counter::main(std::env::args_os().skip(1))
}
