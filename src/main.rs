//! The program; see the library for how it works.

fn main() -> std::process::ExitCode {
    config_reloader_sidecar::cli::main(std::env::args_os())
}
