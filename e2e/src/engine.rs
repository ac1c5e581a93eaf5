//! Engine: the connection to the Docker engine, from code that is not asynchronous.

use std::future::Future;

use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::RwLock;

use crate::Result;

/// The connection.
#[derive(Debug)]
pub struct Engine {
    runtime: Runtime,
    docker: Docker,
    /// Held for reading while something is made, and for writing for good once the run ends early.
    pub(crate) gate: RwLock<()>,
}

impl Engine {
    /// Connects as the `docker` command would (`DOCKER_HOST`, else the usual sockets).
    pub fn connect() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let docker = runtime.block_on(async {
            let docker = docker_client_instance().await.map_err(|error| error.to_string())?;
            docker.ping().await.map_err(|error| error.to_string())?;
            Ok::<_, String>(docker)
        });
        let docker = docker.map_err(|error| {
            let error = error.replace('\n', " ");
            format!(
                "no Docker engine answers ({error}); start one that this user may use, or set DOCKER_HOST"
            )
        })?;
        Ok(Self { runtime, docker, gate: RwLock::new(()) })
    }

    /// The client.
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Waits for `future`; not to be called by asynchronous code.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Waits for `future`, which makes something in the engine: never again once the run ends early.
    pub fn make<T>(&self, future: impl Future<Output = T>) -> T {
        self.wait(async {
            let _open = self.gate.read().await;
            future.await
        })
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }
}
