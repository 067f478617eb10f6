#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

/// Errors are values. `Result<T>` is the subset of std::expected that g++ 12 and nvcc both compile.
namespace engine {

enum class ErrorCode { kCancelled, kInvalidInput, kNotFound, kCorrupt, kUnsupported, kOutOfMemory, kIo, kDevice, kNetwork };

/// What went wrong: a code for the program and one sentence for the user that says what happened,
/// where, and what can be done.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInvalidInput;
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace engine

/// Returns the error of `expr` from the calling function, if there is one.
#define TRY(expr)                                                 \
  do {                                                            \
    auto try_result_ = (expr);                                    \
    if (!try_result_) return std::move(try_result_).error();      \
  } while (false)

#define TRY_CONCAT_INNER_(a, b) a##b
#define TRY_CONCAT_(a, b) TRY_CONCAT_INNER_(a, b)

/// `TRY_ASSIGN(auto x, expr);` returns the error of `expr`, or defines x with its value.
#define TRY_ASSIGN(declaration, expr) TRY_ASSIGN_IMPL_(TRY_CONCAT_(try_value_, __LINE__), declaration, expr)
#define TRY_ASSIGN_IMPL_(temporary, declaration, expr)    \
  auto temporary = (expr);                                \
  if (!temporary) return std::move(temporary).error();    \
  declaration = std::move(temporary).value()

/// Broken invariants of the program itself end it with file and line. Input never reaches one.
#define CHECK(condition)                                                                     \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
