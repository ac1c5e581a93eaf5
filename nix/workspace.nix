# workspace PACKAGE NAME CHANGES: PACKAGE's crates and tools, unoptimised, with all the Rust code that
# there is and not only what the program is made of.
lib: package: name: changes:
package.overrideAttrs (
  prev:
  {
    pname = "${prev.pname}-${name}";
    src = lib.fileset.toSource {
      root = ../.;
      fileset = lib.fileset.unions [
        ../.cargo
        ../Cargo.lock
        ../Cargo.toml
        ../benches
        ../build.rs
        ../README.md
        ../clippy.toml
        ../e2e
        ../examples
        ../rustfmt.toml
        ../src
        ../tests
      ];
    };
    cargoBuildType = "debug";
    cargoCheckType = "debug";
  }
  // changes prev
)
