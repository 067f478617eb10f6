#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

/// One pattern of a tokenizer's pre-tokenizer, run by PCRE2. tokenizer.json writes patterns in
/// Oniguruma's dialect; what means something else in PCRE2 is rewritten or refused by name.
class SplitPattern {
 public:
  enum class Syntax { kRegex, kLiteral };

  /// Refuses patterns that PCRE2 cannot compile, and such that need more than about linear time on a
  /// few simple texts: a hostile model file could stop the program with one.
  static Result<SplitPattern> compile(std::string_view pattern, Syntax syntax);

  /// Half-open; begin == end: there is none. Never an empty match.
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool gave_up = false;  // the step limit was reached: nothing is known about the rest
  };

  /// Scratch space of one thread.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    friend class SplitPattern;
    void* match_data_;
    void* context_;
    void* stack_;
  };

  /// The first match at or after `from`. `text` is valid UTF-8.
  Match find(std::string_view text, std::size_t from, Scratch& scratch) const;

  /// Oniguruma's pattern in PCRE2's words. Public for its test.
  static Result<std::string> translate(std::string_view pattern);

 private:
  struct Free {
    void operator()(void* code) const;
  };
  explicit SplitPattern(void* code) : code_(code, Free{}) {}
  Result<void> probe(std::string_view pattern) const;
  std::shared_ptr<void> code_;
};

}  // namespace engine
