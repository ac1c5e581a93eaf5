//! What a container is started with.

use std::path::Path;

use e2e::images::LocalImage;
use e2e::run::Run;
use testcontainers::bollard::models::HostConfig;
use testcontainers::{ContainerRequest, GenericImage, ImageExt};

use super::Container;

/// Says what a container is started with; without further calls it is the image as it is, without a network.
pub(crate) struct Spec {
    run: &'static Run,
    what: &'static str,
    image: GenericImage,
    args: Vec<String>,
    env: Vec<(String, String)>,
    user: Option<String>,
    host: HostConfig,
}

impl Spec {
    pub(crate) fn new(run: &'static Run, what: &'static str, image: &LocalImage) -> Self {
        // No case needs a network, and making one takes longer than all else.
        let host = HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() };
        Self { run, what, image: image.generic(), args: vec![], env: vec![], user: None, host }
    }

    /// The program, if not the image's own.
    pub(crate) fn program(mut self, path: &str) -> Self {
        self.image = self.image.with_entrypoint(path);
        self
    }

    /// Further arguments.
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    /// A variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Like `--user`.
    pub(crate) fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// Like `--pid container:…`.
    pub(crate) fn in_namespace_of(self, other: &Container) -> Self {
        let mode = format!("container:{}", other.id());
        self.host(|host| host.pid_mode = Some(mode))
    }

    /// Like `--volume`; what is not `writable` is read-only.
    pub(crate) fn mount(self, source: &Path, target: &str, writable: bool) -> Self {
        // `z` lets containers in where SELinux keeps them out; elsewhere it means nothing.
        let mode = if writable { "rw,z" } else { "ro,z" };
        let bind = format!("{}:{target}:{mode}", source.display());
        self.host(|host| host.binds.get_or_insert_default().push(bind))
    }

    /// Anything else.
    pub(crate) fn host(mut self, set: impl FnOnce(&mut HostConfig)) -> Self {
        set(&mut self.host);
        self
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(self) -> Container {
        let (run, what) = (self.run, self.what);
        Container::start(run, what, self.request())
    }

    fn request(self) -> ContainerRequest<GenericImage> {
        let (label, owner) = self.run.label();
        let mut request = self.image.with_label(label, owner).with_cmd(self.args);
        for (name, value) in self.env {
            request = request.with_env_var(name, value);
        }
        if let Some(user) = self.user {
            request = request.with_user(user);
        }
        let host = self.host;
        request.with_host_config_modifier(move |config| *config = host.clone())
    }
}
