# Shared by ./run and ./test: sourced, not run.

say() { printf '\n== %s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

install_packages() {
  say "Looking for the packages Longleaf is built with"
  bash installer/install-packages.sh
}

# build_release [target...]: configures once, builds the targets (default: all of them).
build_release() {
  if [ ! -f build/release/build.ninja ]; then
    say "Configuring build/release"
    mkdir -p build/release
    cmake --preset release > build/release/configure.log 2>&1 ||
      { tail -n 40 build/release/configure.log >&2; fail "CMake could not configure the build; the log is build/release/configure.log."; }
  fi
  say "Building ${*:-everything}"
  cmake --build --preset release ${1:+--target "$@"} || fail "The build failed; the compiler's words are above."
}
