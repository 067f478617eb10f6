#include "app/document/file_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_map>
#include <utility>

namespace app {
namespace {

constexpr std::size_t kLooksBinaryBytes = 8000;  // as git looks
constexpr std::size_t kMinifiedLine = 5000;
constexpr std::size_t kHeadLines = 2000;         // bytes in which a generator signs

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? "" : lower(name.substr(dot + 1));
}

constexpr std::array<std::string_view, 13> kLockFiles = {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "cargo.lock", "poetry.lock", "pipfile.lock",
                                                         "composer.lock", "gemfile.lock", "go.sum", "uv.lock", "flake.lock", "bun.lock"};

constexpr std::array<std::string_view, 70> kBinaryExtensions = {
    "7z",  "a",    "avi",  "bin", "bmp",  "bz2",  "class", "dat",  "db",   "dll", "dmg",  "doc",  "docx", "dylib", "eot", "exe", "flac", "gguf",
    "gif", "gz",   "icns", "ico", "iso",  "jar",  "jpeg",  "jpg",  "ko",   "lib", "lz4",  "mkv",  "mo",   "mov",   "mp3", "mp4", "npy",  "npz",
    "o",   "obj",  "odt",  "ogg", "onnx", "otf",  "pack",  "pdf",  "png",  "ppt", "pptx", "psd",  "pt",   "pyc",   "rar", "safetensors", "so", "sqlite",
    "tar", "tgz",  "tif",  "tiff", "ttf", "wasm", "wav",   "webm", "webp", "whl", "woff", "woff2", "xls", "xlsx",  "xz",  "zip"};

const std::unordered_map<std::string_view, std::string_view>& languages_by_extension() {
  static const std::unordered_map<std::string_view, std::string_view> kLanguages = {
      {"c", "C"}, {"h", "C++"}, {"cc", "C++"}, {"cpp", "C++"}, {"cxx", "C++"}, {"hpp", "C++"}, {"hh", "C++"}, {"hxx", "C++"}, {"inl", "C++"}, {"ipp", "C++"},
      {"cu", "CUDA"}, {"cuh", "CUDA"}, {"py", "Python"}, {"pyi", "Python"}, {"rs", "Rust"}, {"go", "Go"}, {"java", "Java"}, {"kt", "Kotlin"}, {"kts", "Kotlin"},
      {"scala", "Scala"}, {"cs", "C#"}, {"fs", "F#"}, {"js", "JavaScript"}, {"mjs", "JavaScript"}, {"cjs", "JavaScript"}, {"jsx", "JavaScript"},
      {"ts", "TypeScript"}, {"tsx", "TypeScript"}, {"rb", "Ruby"}, {"php", "PHP"}, {"pl", "Perl"}, {"pm", "Perl"}, {"lua", "Lua"}, {"r", "R"}, {"jl", "Julia"},
      {"swift", "Swift"}, {"m", "Objective-C"}, {"mm", "Objective-C++"}, {"sh", "Shell"}, {"bash", "Shell"}, {"zsh", "Shell"}, {"fish", "Shell"}, {"ps1", "PowerShell"},
      {"sql", "SQL"}, {"html", "HTML"}, {"htm", "HTML"}, {"css", "CSS"}, {"scss", "SCSS"}, {"less", "Less"}, {"xml", "XML"}, {"xsl", "XML"}, {"json", "JSON"},
      {"yaml", "YAML"}, {"yml", "YAML"}, {"toml", "TOML"}, {"ini", "INI"}, {"cfg", "INI"}, {"md", "Markdown"}, {"markdown", "Markdown"}, {"rst", "reStructuredText"},
      {"txt", "Text"}, {"tex", "TeX"}, {"cmake", "CMake"}, {"mk", "Makefile"}, {"proto", "Protocol Buffers"}, {"asm", "Assembly"}, {"s", "Assembly"}, {"vim", "Vim script"},
      {"el", "Emacs Lisp"}, {"lisp", "Lisp"}, {"clj", "Clojure"}, {"hs", "Haskell"}, {"ml", "OCaml"}, {"mli", "OCaml"}, {"ex", "Elixir"}, {"exs", "Elixir"}, {"erl", "Erlang"},
      {"dart", "Dart"}, {"zig", "Zig"}, {"nim", "Nim"}, {"d", "D"}, {"f90", "Fortran"}, {"f", "Fortran"}, {"pas", "Pascal"}, {"v", "Verilog"}, {"sv", "SystemVerilog"},
      {"vhd", "VHDL"}, {"tcl", "Tcl"}, {"awk", "Awk"}, {"qml", "QML"}, {"ui", "Qt UI"}, {"csv", "CSV"}, {"tsv", "CSV"}, {"vue", "Vue"}, {"svelte", "Svelte"}, {"diff", "Diff"}, {"patch", "Diff"}, {"log", "Text"}};
  return kLanguages;
}

}  // namespace

std::string left_out_by_name(std::string_view path) {
  const std::string name = lower(name_of(path));
  const std::string extension = extension_of(name);
  if (std::find(kLockFiles.begin(), kLockFiles.end(), name) != kLockFiles.end()) return "lock file, written by a program";
  if (name.ends_with(".min.js") || name.ends_with(".min.css") || name.ends_with(".bundle.js")) return "minified";
  if (extension == "map" && (name.ends_with(".js.map") || name.ends_with(".css.map"))) return "source map, written by a program";
  if (std::find(kBinaryExtensions.begin(), kBinaryExtensions.end(), extension) != kBinaryExtensions.end()) return "binary (." + extension + ")";
  return "";
}

std::string left_out_by_content(std::string_view path, std::string_view bytes) {
  const bool has_wide_mark = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  if (!has_wide_mark) {
    if (bytes.find('\0') != std::string_view::npos) return "binary";
    const std::string_view head = bytes.substr(0, kLooksBinaryBytes);
    const auto n_control = std::count_if(head.begin(), head.end(), [](unsigned char c) { return c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1B; });
    if (n_control * 10 > static_cast<std::ptrdiff_t>(head.size())) return "binary";
  }
  const std::string_view head = bytes.substr(0, kHeadLines);
  const bool is_prose = path.ends_with(".md") || path.ends_with(".txt") || path.ends_with(".rst");
  if (!is_prose && (head.find("@generated") != std::string_view::npos || head.find("DO NOT EDIT") != std::string_view::npos)) return "generated (it says so at its beginning)";
  const std::string extension = extension_of(name_of(path));
  if (extension == "js" || extension == "css" || extension == "json" || extension == "mjs" || extension == "svg" || extension == "html" || extension == "xml") {
    std::size_t line = 0;
    for (const char c : bytes) {
      line = c == '\n' ? 0 : line + 1;
      if (line > kMinifiedLine) return "minified or generated (a line of more than " + std::to_string(kMinifiedLine) + " characters)";
    }
  }
  return "";
}

std::string language_of(std::string_view path, std::string_view first_line) {
  const std::string_view name = name_of(path);
  const std::string small = lower(name);
  if (small == "cmakelists.txt") return "CMake";
  if (small == "makefile" || small == "gnumakefile") return "Makefile";
  if (small == "dockerfile") return "Dockerfile";
  const auto& languages = languages_by_extension();
  if (const auto found = languages.find(extension_of(name)); found != languages.end()) return std::string(found->second);
  if (first_line.starts_with("#!")) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kInterpreters = {{{"python", "Python"}, {"bash", "Shell"}, {"/sh", "Shell"}, {"node", "JavaScript"}, {"perl", "Perl"}, {"ruby", "Ruby"}, {"awk", "Awk"}}};
    for (const auto& [part, language] : kInterpreters) {
      if (first_line.find(part) != std::string_view::npos) return std::string(language);
    }
  }
  return "";
}

}  // namespace app
