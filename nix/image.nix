# The container image, as an archive for `docker load` and `podman load`, and the same as an OCI layout.
{
  pkgs,
  program,
  architecture,
  # as flakes have it: YYYYMMDDhhmmss
  lastModifiedDate,
  revision,
}:
let
  inherit (pkgs) lib;
  inherit (lib.importTOML ../Cargo.toml) package workspace;
  inherit (program) version;

  # RFC 3339. The commit's time: the same commit makes the same image, whenever it is built.
  created =
    let
      digits = from: count: lib.substring from count lastModifiedDate;
    in
    "${digits 0 4}-${digits 4 2}-${digits 6 2}T${digits 8 2}:${digits 10 2}:${digits 12 2}Z";

  image = pkgs.dockerTools.buildLayeredImage {
    inherit (package) name;
    tag = version;
    inherit architecture created;
    # At this size it saves nothing that counts, and many an engine loads no compressed archive: podman
    # before 4.4, and docker before 25 with containerd's store.
    compressor = "none";

    # What is named in `contents` would become a link into the store: the file itself is copied, and
    # nothing else comes along.
    includeStorePaths = false;
    extraCommands = "install --mode=555 ${lib.getExe program} ${package.name}";

    config = {
      Entrypoint = [ "/${package.name}" ];
      Labels = {
        "org.opencontainers.image.created" = created;
        "org.opencontainers.image.description" = package.description;
        "org.opencontainers.image.licenses" = workspace.package.license;
        "org.opencontainers.image.source" = workspace.package.repository;
        "org.opencontainers.image.title" = package.name;
        "org.opencontainers.image.version" = version;
      }
      // lib.optionalAttrs (revision != null) { "org.opencontainers.image.revision" = revision; };
    };
  };
in
{
  inherit image;

  oci = pkgs.runCommand "${package.name}-oci-${version}" { nativeBuildInputs = [ pkgs.skopeo ]; } ''
    # The policy would say whose images to trust; this one was just built.
    skopeo --insecure-policy copy docker-archive:${image} oci:"$out":${version}
  '';
}
