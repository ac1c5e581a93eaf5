//! What the image is.

use std::io::Read;

use e2e::images::LocalImage;
use e2e::run::Run;
use futures_util::StreamExt;
use tar::Archive;
use testcontainers::bollard::models::ImageConfig;

use crate::support::Spec;

const BINARY: &str = "config-reloader-sidecar";

fn config_of(run: &Run, image: &LocalImage) -> ImageConfig {
    let engine = run.engine();
    engine.wait(engine.docker().inspect_image(&image.reference)).unwrap().config.unwrap()
}

/// No shell, no C library. What the engine adds to a container for its own use is empty.
pub(crate) fn it_holds_the_binary_and_nothing_else(run: &'static Run) {
    let container = Spec::new(run, "the sidecar", &run.sidecar).args(["--version"]).start();
    let engine = run.engine();
    let export = engine.wait(async {
        let mut parts = std::pin::pin!(engine.docker().export_container(container.id()));
        let mut archive = Vec::new();
        while let Some(part) = parts.next().await {
            archive.extend_from_slice(&part.unwrap());
        }
        archive
    });
    let mut files = Vec::new();
    for entry in Archive::new(&*export).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut start = [0; 4];
        if entry.header().entry_type().is_hard_link() || entry.size() > 0 {
            // Not an executable, if it is shorter.
            let _ = entry.read_exact(&mut start);
            files.push((path, start));
        }
    }
    assert_eq!(files, [(BINARY.to_owned(), *b"\x7fELF")]);
}

pub(crate) fn it_says_where_it_comes_from(run: &'static Run) {
    let labels = config_of(run, &run.sidecar).labels.unwrap();
    let label = |name: &str| {
        let value = labels.get(&format!("org.opencontainers.image.{name}"));
        value.unwrap_or_else(|| panic!("no label {name} among {labels:?}")).as_str()
    };
    assert_eq!(label("source"), env!("CARGO_PKG_REPOSITORY"));
    assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
    humantime::parse_rfc3339(label("created")).unwrap();
    let container = Spec::new(run, "the sidecar", &run.sidecar).args(["--version"]).start();
    assert_eq!(container.wait_for_end(), 0);
    assert_eq!(container.output(), format!("{BINARY} {}\n", label("version")));
}

/// As the program that it replaces does, so that it can signal any application.
pub(crate) fn it_runs_as_root_by_default(run: &'static Run) {
    let config = config_of(run, &run.sidecar);
    let user = config.user.unwrap_or_default();
    assert!(["", "0", "root", "0:0"].contains(&&*user), "{user:?}");
    assert_eq!(config.entrypoint.unwrap(), [format!("/{BINARY}")]);
}
