//! Images: of the sidecar, and of the application that it signals.

use std::collections::HashMap;
use std::env;
use std::path::Path;
use std::time::SystemTime;

use futures_util::StreamExt;
use tar::{Builder, Header};
use testcontainers::GenericImage;
use testcontainers::bollard::body_full;
use testcontainers::bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};

use crate::Result;
use crate::cleanup::LABEL;
use crate::engine::Engine;
use crate::owner::Owner;

/// Names the sidecar's image to test; it must be loaded.
pub const IMAGE_VARIABLE: &str = "E2E_IMAGE";

/// The names that the counter has in its image: each is a whole program.
pub const PROGRAMS: [&str; 5] = ["sighup-counter", "parent", "pause", "nginx", "a-name-of-20-letters"];

const SIDECAR_DOCKERFILE: &str = include_str!("../Dockerfile");
const APP_DOCKERFILE: &str = "FROM scratch\nCOPY . /\nENTRYPOINT [\"/sighup-counter\"]\n";

/// An image that the engine has.
#[derive(Debug, Clone)]
pub struct LocalImage {
    /// Its tag, or its ID.
    pub reference: String,
    /// What the engine says of its size, in bytes.
    pub size: i64,
}

impl LocalImage {
    /// For testcontainers, which wants it in two parts.
    pub fn generic(&self) -> GenericImage {
        // Built here as `name:tag`, or looked up as `sha256:…`.
        let (name, tag) = self.reference.split_once(':').unwrap_or((&self.reference, "latest"));
        GenericImage::new(name, tag)
    }
}

/// Makes the images of a run.
#[derive(Debug, Clone, Copy)]
pub struct Images<'a> {
    /// Where.
    pub engine: &'a Engine,
    /// For whom.
    pub owner: &'a Owner,
    /// In the tags: no other run has it.
    pub run: &'a str,
}

impl Images<'_> {
    /// The image that [`IMAGE_VARIABLE`] names, if it is set.
    pub fn given(&self) -> Result<Option<LocalImage>> {
        let Some(name) = env::var(IMAGE_VARIABLE).ok().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let image = self.engine.wait(self.engine.docker().inspect_image(&name));
        let image = image.map_err(|error| format!("{IMAGE_VARIABLE}={name}: {error}; load it first"))?;
        let reference = image.id.ok_or("the engine gave no image ID")?;
        Ok(Some(LocalImage { reference, size: image.size.unwrap_or_default() }))
    }

    /// Builds the sidecar's image, as its Dockerfile says.
    pub fn sidecar(&self, binary: &Path) -> Result<LocalImage> {
        let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let arguments = HashMap::from([
            ("VERSION", env!("CARGO_PKG_VERSION")),
            ("SOURCE", env!("CARGO_PKG_REPOSITORY")),
            ("LICENSES", env!("CARGO_PKG_LICENSE")),
            ("CREATED", &*created),
        ]);
        let files = ["config-reloader-sidecar"];
        self.build("config-reloader-sidecar-e2e", SIDECAR_DOCKERFILE, binary, &files, &arguments)
    }

    /// Builds the image of the application, the counter by several names.
    pub fn app(&self, binary: &Path) -> Result<LocalImage> {
        let tag = "config-reloader-sidecar-e2e-app";
        self.build(tag, APP_DOCKERFILE, binary, &PROGRAMS, &HashMap::new())
    }

    fn build(
        &self,
        name: &str,
        dockerfile: &str,
        binary: &Path,
        files: &[&str],
        arguments: &HashMap<&str, &str>,
    ) -> Result<LocalImage> {
        let tag = format!("{name}:{}", self.run);
        let owner = self.owner.to_string();
        let options = BuildImageOptionsBuilder::new()
            .t(&tag)
            .buildargs(arguments)
            .labels(&HashMap::from([(LABEL, &*owner)]))
            // A layer that two runs share would go with the first that ends.
            .nocache(true)
            .rm(true)
            .forcerm(true)
            .version(BuilderVersion::BuilderV1)
            .build();
        let context = context(dockerfile, binary, files)?;
        self.engine.make(async {
            let context = Some(body_full(context.into()));
            let mut steps = std::pin::pin!(self.engine.docker().build_image(options, None, context));
            while let Some(step) = steps.next().await {
                if let Some(error) = step?.error_detail {
                    return Err(error.message.unwrap_or_default().into());
                }
            }
            let image = self.engine.docker().inspect_image(&tag).await?;
            Ok(LocalImage { reference: tag, size: image.size.unwrap_or_default() })
        })
    }
}

/// A build context: the Dockerfile, and the binary by each of these names.
fn context(dockerfile: &str, binary: &Path, files: &[&str]) -> Result<Vec<u8>> {
    let content = std::fs::read(binary)?;
    let mut archive = Builder::new(Vec::new());
    let ignore = "Dockerfile\n.dockerignore\n";
    let texts = [("Dockerfile", dockerfile), (".dockerignore", ignore)];
    let texts = texts.map(|(name, text)| (name, text.as_bytes(), 0o644));
    for (name, content, mode) in texts.into_iter().chain(files.iter().map(|&name| (name, &*content, 0o755))) {
        let mut header = Header::new_gnu();
        header.set_size(content.len().try_into()?);
        header.set_mode(mode);
        header.set_cksum();
        archive.append_data(&mut header, name, content)?;
    }
    Ok(archive.into_inner()?)
}
