#include "app/document/symbol_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>

#include "app/document/text_clean.h"
#include "app/document/worker_process.h"

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

namespace {

constexpr int kTimeoutMs = 5000;
constexpr std::size_t kMaxSymbols = 20'000;       // of one file
constexpr std::size_t kMaxOutputBytes = 64u << 20;
constexpr ProcessLimits kLimits{1u << 30, 1800, 32};  // one process for all files of a tree
constexpr std::array kFolders = {"/usr/bin/", "/usr/local/bin/", "/bin/"};

Error missing() {
  return {ErrorCode::kNotFound, "Functions and classes are not listed: Universal Ctags is not installed. Install the package universal-ctags and read the folder again."};
}

Error failed(std::string_view name) { return {ErrorCode::kIo, "The definitions of " + std::string(name) + " could not be found: the parser failed on it."}; }

std::string text_in(const nlohmann::json& tag, const char* key) {
  const auto found = tag.find(key);
  if (found == tag.end() || !found->is_string()) return "";
  std::int64_t n_odd = 0;
  return clean_word(std::string_view(found->get_ref<const std::string&>()).substr(0, 300), n_odd);
}

std::int32_t line_in(const nlohmann::json& tag, const char* key) {
  const auto found = tag.find(key);
  if (found == tag.end() || !found->is_number_integer()) return 0;
  const auto line = found->get<std::int64_t>();
  return line > 0 && line < 100'000'000 ? static_cast<std::int32_t>(line) : 0;
}

/// Definitions that a reader looks for by name; not single variables, members, parameters.
bool is_wanted(const Symbol& symbol) {
  static constexpr std::array<std::string_view, 14> kKinds = {"function", "method", "class", "struct", "union", "enum", "interface", "macro", "typedef", "namespace", "trait", "type", "module", "alias"};
  if (symbol.name.empty() || symbol.name.starts_with("__anon") || symbol.first_line == 0) return false;
  return symbol.last_line > symbol.first_line || std::find(kKinds.begin(), kKinds.end(), symbol.kind) != kKinds.end();
}

}  // namespace

struct SymbolReader::State {
  WorkerProcess process;
  std::string output;
  std::size_t at = 0;

  /// The next line of output; empty: it ended, hung or was stopped.
  std::string line(std::stop_token stop) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeoutMs);
    for (;;) {
      const std::size_t stop_at = output.find('\n', at);
      if (stop_at != std::string::npos) {
        std::string found = output.substr(at, stop_at - at);
        at = stop_at + 1;
        if (at > (1u << 20)) {
          output.erase(0, at);
          at = 0;
        }
        return found;
      }
      if (stop.stop_requested() || std::chrono::steady_clock::now() > end || output.size() - at > kMaxOutputBytes) return "";
      struct pollfd wait {process.output(), POLLIN, 0};
      if (::poll(&wait, 1, 50) <= 0) continue;
      char bytes[1 << 16];
      const ssize_t n = ::read(process.output(), bytes, sizeof bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return "";
      output.append(bytes, static_cast<std::size_t>(n));
    }
  }
};

SymbolReader::SymbolReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SymbolReader::SymbolReader(SymbolReader&&) noexcept = default;
SymbolReader& SymbolReader::operator=(SymbolReader&&) noexcept = default;
SymbolReader::~SymbolReader() = default;

Result<SymbolReader> SymbolReader::start() {
  for (const char* name : {"ctags-universal", "ctags"}) {
    for (const char* folder : kFolders) {
      const std::string program = std::string(folder) + name;
      if (::access(program.c_str(), X_OK) != 0) continue;
      const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      TRY_ASSIGN(WorkerProcess process, WorkerProcess::start(program, {"--options=NONE", "--_interactive=sandbox", "--fields=+neKs"}, nothing, /*with_requests=*/true, kLimits));
      auto state = std::make_unique<State>(State{std::move(process), "", 0});
      const auto hello = nlohmann::json::parse(state->line({}), nullptr, /*allow_exceptions=*/false);
      if (hello.is_object() && text_in(hello, "name") == "Universal Ctags") return SymbolReader(std::move(state));
    }
  }
  return missing();
}

Result<std::vector<Symbol>> SymbolReader::read(std::string_view name, std::string_view text, std::stop_token stop) {
  std::vector<Symbol> symbols;
  if (text.empty()) return symbols;
  const nlohmann::json request = {{"command", "generate-tags"}, {"filename", std::string(name)}, {"size", text.size()}};
  if (!state_->process.send(request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n" + std::string(text))) return failed(name);
  for (;;) {
    const auto answer = nlohmann::json::parse(state_->line(stop), nullptr, /*allow_exceptions=*/false);
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Stopped while looking for definitions."};
    const std::string kind = answer.is_object() ? text_in(answer, "_type") : "";
    if (kind == "completed") break;
    if (kind == "error") {
      const auto fatal = answer.find("fatal");
      if (fatal != answer.end() && fatal->is_boolean() && fatal->get<bool>()) return failed(name);
      continue;
    }
    if (kind.empty()) return failed(name);
    if (kind != "tag" || symbols.size() >= kMaxSymbols) continue;
    Symbol symbol{text_in(answer, "name"), text_in(answer, "kind"), text_in(answer, "scope"), line_in(answer, "line"), line_in(answer, "end")};
    symbol.last_line = std::max(symbol.first_line, symbol.last_line);
    if (is_wanted(symbol)) symbols.push_back(std::move(symbol));
  }
  std::stable_sort(symbols.begin(), symbols.end(), [](const Symbol& a, const Symbol& b) { return a.first_line < b.first_line; });
  return symbols;
}

bool has_symbols(std::string_view language) {
  static constexpr std::array<std::string_view, 14> kNone = {"", "Markdown", "Text", "reStructuredText", "JSON", "YAML", "TOML", "INI", "CSV", "XML", "HTML", "Qt UI", "Diff", "TeX"};
  return std::find(kNone.begin(), kNone.end(), language) == kNone.end();
}

}  // namespace app
