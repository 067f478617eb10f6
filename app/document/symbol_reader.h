#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "app/document/page.h"
#include "engine/base/result.h"

namespace app {

/// Definitions in source files, found by Universal Ctags: a process of its own that gets the text of the
/// files through a pipe and, under its own system call filter, can open none.
class SymbolReader {
 public:
  /// kNotFound when the program is not installed or is another ctags; its message says what to install.
  static engine::Result<SymbolReader> start();
  SymbolReader(SymbolReader&&) noexcept;
  SymbolReader& operator=(SymbolReader&&) noexcept;
  ~SymbolReader();

  /// Sorted by line. A file on which the parser fails or hangs is kIo; start a new reader then.
  engine::Result<std::vector<Symbol>> read(std::string_view name, std::string_view text, std::stop_token stop);

 private:
  struct State;
  explicit SymbolReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether files of a language of language_of() have definitions to look for.
bool has_symbols(std::string_view language);

}  // namespace app
