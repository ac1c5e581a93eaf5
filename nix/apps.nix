# What `nix run` runs besides the program.
{ pkgs, packages, ... }:
let
  inherit (pkgs) lib;
  workspace = import ./workspace.nix lib;
  inherit (packages) image;

  app = description: package: {
    type = "app";
    program = lib.getExe package;
    meta = { inherit description; };
  };

  demo = workspace packages.default "demo" (prev: {
    cargoBuildFlags = [
      "--example"
      "demo"
    ];
    installPhase = ''
      runHook preInstall
      install -D target/*/debug/examples/demo "$out/bin/demo"
      runHook postInstall
    '';
    meta = prev.meta // {
      mainProgram = "demo";
    };
  });

  # The suite itself is built by cargo in the checkout, as it is without Nix: only the image must be
  # the flake's.
  e2e = pkgs.writeShellApplication {
    name = "e2e";
    runtimeInputs = [
      pkgs.cargo
      pkgs.docker-client
      pkgs.rustc
      pkgs.stdenv.cc
    ];
    text = ''
      if [ ! -e e2e/Cargo.toml ]; then
        echo "e2e: there is no e2e/Cargo.toml here; run this at the top of a checkout" >&2
        exit 2
      fi
      docker load --input ${image}
      export E2E_IMAGE=${image.imageName}:${image.imageTag}
      exec cargo test --locked --package e2e "$@"
    '';
  };
in
{
  default = app packages.default.meta.description packages.default;
  demo = app "Shows the sidecar at work on a volume that changes" demo;
  e2e = app "Runs the container suite on the image, in the running Docker engine" e2e;
}
