//! Cleanup: removes what is labelled with an owner, in the engine and on disk.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
};

use crate::Result;
use crate::owner::Owner;

/// The label of everything that a run makes in the engine; its value is the [`Owner`].
pub const LABEL: &str = "config-reloader-sidecar.e2e.owner";
/// What the names of the runs' directories begin with.
pub const DIR_PREFIX: &str = "config-reloader-sidecar-e2e.";
/// The file in such a directory that holds the [`Owner`].
pub const OWNER_FILE: &str = "owner";

/// An image can be in use for a moment after its container is gone.
const MOST_ROUNDS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Removes all that `owner` made in the engine, and says what could not be removed.
pub async fn remove_all_of(docker: &Docker, owner: &Owner) -> Result<()> {
    let mut left = Vec::new();
    for _ in 0..MOST_ROUNDS {
        left = remove(docker, |other| other == owner).await?;
        if left.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(format!("could not remove {}", left.join(", ")).into())
}

/// Removes what runs left behind that were killed.
pub async fn remove_leftovers(docker: &Docker, this: &Owner, parent_of_dirs: &Path) -> Result<()> {
    remove(docker, |other| this.sees_dead(other)).await?;
    for entry in fs::read_dir(parent_of_dirs)?.flatten() {
        let owner = fs::read_to_string(entry.path().join(OWNER_FILE)).ok().and_then(|text| text.parse().ok());
        let is_of_a_run = entry.file_name().to_string_lossy().starts_with(DIR_PREFIX);
        if is_of_a_run && owner.is_some_and(|owner| this.sees_dead(&owner)) {
            // A run beside this one may be at it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// One round; gives what is still there.
async fn remove(docker: &Docker, goes: impl Fn(&Owner) -> bool) -> Result<Vec<String>> {
    let goes = |labels: &HashMap<String, String>| {
        labels.get(LABEL).and_then(|label| label.parse().ok()).is_some_and(|owner| goes(&owner))
    };
    let labelled = HashMap::from([("label", vec![LABEL])]);
    let mut found = Vec::new();

    let containers = ListContainersOptionsBuilder::new().all(true).filters(&labelled).build();
    for container in docker.list_containers(Some(containers)).await? {
        let (Some(id), Some(labels)) = (container.id, container.labels) else { continue };
        if goes(&labels) {
            // What a run beside this one removes, or the engine already does, is an error here and gone
            // in the next round. The same holds for the others.
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            let _ = docker.remove_container(&id, Some(options)).await;
            found.push(format!("container {id}"));
        }
    }
    let networks = ListNetworksOptionsBuilder::new().filters(&labelled).build();
    for network in docker.list_networks(Some(networks)).await? {
        let (Some(id), Some(labels)) = (network.id, network.labels) else { continue };
        if goes(&labels) {
            let _ = docker.remove_network(&id).await;
            found.push(format!("network {id}"));
        }
    }
    let images = ListImagesOptionsBuilder::new().filters(&labelled).build();
    for image in docker.list_images(Some(images)).await? {
        if goes(&image.labels) {
            let options = RemoveImageOptionsBuilder::new().force(true).build();
            let _ = docker.remove_image(&image.id, Some(options), None).await;
            found.push(format!("image {}", image.id));
        }
    }
    Ok(found)
}
