# The program. Called by `pkgs` it links glibc; called by `pkgs.pkgsStatic` it is one file for any root.
{ lib, rustPlatform }:
let
  inherit (lib.importTOML ../Cargo.toml) package workspace;
in
rustPlatform.buildRustPackage {
  pname = package.name;
  inherit (workspace.package) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../.cargo
      ../Cargo.lock
      ../Cargo.toml
      ../build.rs
      ../src
      # Whichever member of the workspace it builds, Cargo reads the manifests of all, and looks for the
      # files that their targets begin with. The rest of them would only make for builds in vain.
      (lib.fileset.fileFilter (
        file:
        lib.elem file.name [
          "Cargo.toml"
          "lib.rs"
          "main.rs"
        ]
      ) ../e2e)
      ../benches
    ];
  };
  cargoLock.lockFile = ../Cargo.lock;
  cargoBuildFlags = [
    "--package"
    package.name
  ];

  # Cargo's own `strip` is turned off here, and the default leaves the symbols: a tenth of the size.
  stripAllList = [ "bin" ];

  # The tests are a check of the flake (checks.nix), against both C libraries; nobody who wants the
  # program or its image waits for them.
  doCheck = false;

  meta = {
    inherit (package) description;
    homepage = workspace.package.repository;
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    mainProgram = package.name;
    platforms = lib.platforms.linux;
  };
}
