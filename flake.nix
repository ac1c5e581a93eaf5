{
  description = "Signals a process when the configuration that is mounted for it changes";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      # f gets nixpkgs, and what this flake makes, for one system
      eachSystem =
        f:
        lib.genAttrs systems (
          system:
          f {
            pkgs = nixpkgs.legacyPackages.${system};
            packages = self.packages.${system};
            apps = self.apps.${system};
          }
        );

      program = pkgs: pkgs.callPackage ./nix/package.nix { };
      # The tools that pack an image are those of `pkgs`; the program in it is for `target`.
      images =
        pkgs: target:
        import ./nix/image.nix {
          inherit pkgs;
          program = program target;
          architecture = target.stdenv.hostPlatform.go.GOARCH;
          inherit (self) lastModifiedDate;
          revision = self.rev or null;
        };
    in
    {
      overlays.default = final: _prev: { config-reloader-sidecar = program final; };

      packages = eachSystem (
        { pkgs, ... }:
        {
          default = program pkgs;
          static = program pkgs.pkgsStatic;
          inherit (images pkgs pkgs.pkgsStatic) image oci;
        }
        // lib.optionalAttrs pkgs.stdenv.hostPlatform.isx86_64 {
          image-aarch64 = (images pkgs pkgs.pkgsCross.aarch64-multiplatform-musl.pkgsStatic).image;
        }
      );

      apps = eachSystem (import ./nix/apps.nix);
      checks = eachSystem (import ./nix/checks.nix);
      devShells = eachSystem (args: {
        default = import ./nix/shell.nix args;
      });
      formatter = eachSystem ({ pkgs, ... }: pkgs.nixfmt-tree);
    };
}
