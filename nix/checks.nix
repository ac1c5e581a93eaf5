# What `nix flake check` builds. Each of these was seen to fail.
{
  pkgs,
  apps,
  packages,
}:
let
  inherit (pkgs) lib;
  inherit (packages) default image static;
  workspace = import ./workspace.nix lib;

  # The whole image, unpacked, as `docker save` would write it.
  budget = 1000000;

  # cargo NAME TOOLS COMMAND: a command that is only to succeed
  cargo =
    name: tools: command:
    workspace default name (prev: {
      nativeBuildInputs = prev.nativeBuildInputs ++ tools;
      buildPhase = ''
        runHook preBuild
        ${command}
        runHook postBuild
      '';
      installPhase = "touch $out";
    });

  # What no build of Nix can do, and the tests that do it (parts of their names). They run where cargo
  # does, as root.
  beyondBuilds = {
    "become another user" = [
      "refused::a_target_that_got_its_signal_gets_no_other_while_one_is_refused"
      "refused::the_warning_names_both_mends_and_the_change_waits"
      "select::the_executable_of_another_user_is_known_by_its_arguments"
    ];
    "be root in a PID namespace of its own" = [
      "end::when_it_is_pid_1"
      "own::when_it_is_alone_it_says_how_to_share_the_namespace"
      "pid_file::of_the_sidecar_itself_as_pid_1"
    ];
    "set the setgid bit, as the kubelet does for an fsGroup" = [
      "a_change_with_a_group_set_is_one_signal"
      "a_sync_that_sets_the_group_again_is_no_signal"
      "kubelet::tests::older_kubelets_set_ownership_in_every_sync"
      "kubelet::tests::ownership_is_set_before_the_swap"
    ];
  };

  # tests PROGRAM LEFT-OUT: the tests of the package and of its test kit; the container suite needs Docker.
  tests =
    program: leftOut:
    let
      packages = [
        "--package=${default.pname}"
        "--package=sidecar-testkit"
      ];
    in
    workspace program "tests" (_: {
      # With the tests, so that nothing is compiled twice; and with `sighup-counter`, so that no test
      # builds it.
      cargoBuildFlags = packages ++ [
        "--bins"
        "--tests"
      ];
      doCheck = true;
      preCheck = ''
        SIGHUP_COUNTER=$(realpath target/*/debug/sighup-counter)
        export SIGHUP_COUNTER
      ''
      + lib.concatStrings (
        lib.mapAttrsToList (why: names: ''
          echo "left out, as it would have to "${lib.escapeShellArgs ([ "${why}:" ] ++ names)}
        '') leftOut
      );
      # Not never_blind and never_harmful: root, in namespaces and with limits of its own, is all they are about.
      cargoTestFlags = packages ++ [
        "--no-fail-fast"
        "--lib"
        "--bins"
        "--test=kubelet_volumes"
        "--test=plain_paths"
        "--test=settings"
        "--test=targets"
      ];
      checkFlags = map (name: "--skip=${name}") (lib.concatLists (lib.attrValues leftOut));
      installPhase = "touch $out";
    });

  # check NAME TOOLS COMMAND: a command on what is built already. `refuse WHY PATTERN` fails if a line
  # of its input matches.
  check =
    name: tools: command:
    pkgs.runCommand "${default.pname}-${name}" { nativeBuildInputs = tools; } ''
      refuse() {
        if grep --extended-regexp -- "$2"; then
          echo "${name}: $1" >&2
          exit 1
        fi
      }
      ${command}
      touch $out
    '';

  nixFiles = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../flake.nix
      ../nix
    ];
  };
in
# For another machine the image is evaluated only: its cross compiler is in no binary cache, and on
# that machine `image` is checked.
removeAttrs packages [ "image-aarch64" ]
// {
  clippy = cargo "clippy" [
    pkgs.clippy
  ] "cargo clippy --offline --workspace --all-targets -- --deny warnings";
  doc = cargo "doc" [ ] "RUSTDOCFLAGS='--deny warnings' cargo doc --offline --workspace --no-deps";
  rustfmt = cargo "rustfmt" [ pkgs.rustfmt ] "cargo fmt --all --check";
  # The static program is what the container suite runs (apps.nix).
  tests = tests default beyondBuilds;

  version = pkgs.testers.testVersion { package = default; };
  demo = check "demo" [ ] apps.demo.program;
  # Building it lints it; it needs Docker to run.
  e2e = check "e2e" [ ] "test -x ${apps.e2e.program}";

  nixfmt = check "nixfmt" [ pkgs.nixfmt ] ''
    find ${nixFiles} -name '*.nix' -exec nixfmt --check {} +
  '';
  deadnix = check "deadnix" [ pkgs.deadnix ] "deadnix --fail ${nixFiles}";

  binary = check "binary" [ pkgs.binutils ] ''
    readelf --wide --program-headers ${lib.getExe static} > headers
    readelf --wide --dynamic ${lib.getExe static} > dynamic
    readelf --wide --section-headers ${lib.getExe static} > sections
    refuse "it wants a dynamic loader" INTERP < headers
    refuse "it wants a shared library" NEEDED < dynamic
    refuse "it is not stripped" '\.(symtab|debug_)' < sections
    strings --all ${lib.getExe static} > strings
    refuse "there is a store path in it" ${builtins.storeDir} < strings
  '';

  image-contents =
    check "image-contents"
      [
        pkgs.jq
        pkgs.util-linux
      ]
      ''
        mkdir image root
        tar --extract --file ${image} --directory image

        jq --raw-output '.[0].Layers[]' image/manifest.json > layers
        while read -r layer; do
          tar --list --verbose --numeric-owner --file "image/$layer" >> files
          tar --extract --preserve-permissions --file "image/$layer" --directory root
        done < layers
        cat files
        refuse "a file is not root's" '^\S+ +(0/[^0]|[^0])' < files
        find root -mindepth 1 -printf '%y %m %P\n' | diff - <(echo 'f 555 ${default.pname}')
        cmp root/${default.pname} ${lib.getExe static}

        # Of the program: a history entry of the image may name what it was packed from.
        paths=${pkgs.closureInfo { rootPaths = [ static ]; }}/store-paths
        if [ "$(wc -l < "$paths")" != 1 ]; then
          echo "the closure has other paths:" >&2
          cat "$paths" >&2
          exit 1
        fi

        # Nothing else is in that root: no /proc, no libraries, no shell.
        unshare --map-root-user --root="$PWD/root" /${default.pname} --version | tee version
        grep --fixed-strings --word-regexp ${default.version} version
      '';

  image-config = check "image-config" [ pkgs.jq ] ''
    mkdir image
    tar --extract --file ${image} --directory image
    jq --raw-output '.[0].Config' image/manifest.json > name
    jq --raw-output '.[0].RepoTags[]' image/manifest.json | diff - <(echo ${default.pname}:${default.version})
    jq . "image/$(cat name)" | tee config
    jq --exit-status --arg name ${default.pname} --arg version ${default.version} '
      .os == "linux"
      and .architecture == "${pkgs.stdenv.hostPlatform.go.GOARCH}"
      and .config.Entrypoint == ["/" + $name]
      and (.config | has("User") or has("Cmd") or has("Env") | not)
      and (.config.Labels | with_entries(.key |= ltrimstr("org.opencontainers.image.")) |
        .title == $name
        and .version == $version
        and .licenses == "MIT OR Apache-2.0"
        and (.source | startswith("https://"))
        and (.description | length > 0)
        and (.created | fromdateiso8601 > 0))
      and (.created | sub("\\+00:00$"; "Z")) == .config.Labels["org.opencontainers.image.created"]
    ' config
  '';

  image-size = check "image-size" [ ] ''
    binary=$(stat --format=%s ${lib.getExe static})
    image=$(stat --dereference --format=%s ${image})
    compressed=$(gzip --best --stdout ${image} | wc --bytes)
    echo "binary: $binary bytes; image: $image bytes of ${toString budget}; compressed: $compressed bytes"
    if [ "$image" -gt ${toString budget} ]; then
      echo "the image is $((image - ${toString budget})) bytes over its budget" >&2
      exit 1
    fi
  '';
}
