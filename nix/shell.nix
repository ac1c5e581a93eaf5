# `nix develop`: all that building, testing and linting by hand needs.
{ pkgs, packages, ... }:
pkgs.mkShell {
  inputsFrom = [ packages.default ];
  packages = [
    pkgs.clippy
    pkgs.deadnix
    pkgs.docker-client
    pkgs.jq
    pkgs.nixfmt
    pkgs.rust-analyzer
    pkgs.rustfmt
    pkgs.shellcheck
    pkgs.skopeo
    # `setpriv` and `unshare`, for tests that become other users
    pkgs.util-linux
  ];
}
