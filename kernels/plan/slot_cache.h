#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

/// Which weights of many lie in the few places that a card has for them: no memory is touched here.
namespace kernels {

/// Places of one size; keys in use are never given up. Two ways to choose what goes: for tokens that come one by one,
/// what is used seldom (uses count half after a while, so that an old favourite does not stay for ever); for a prompt
/// that goes through everything in order, what was used longest ago, which then was needed by an earlier layer.
class SlotCache {
 public:
  explicit SlotCache(int n_slots);

  enum class Pass { kToken, kPrompt };
  struct Place {
    int slot = -1;          // -1: every slot is in use
    bool is_there = false;  // false: the caller has to fill it
  };
  /// A place for `key`, in use until `release`.
  Place take(std::int64_t key, Pass pass);
  void release(std::int64_t key);

  bool holds(std::int64_t key) const { return slot_of_.contains(key); }
  /// Where it is, without using it.
  Place find(std::int64_t key) const;
  int n_slots() const { return static_cast<int>(slots_.size()); }
  std::int64_t n_hits() const { return n_hits_; }
  std::int64_t n_misses() const { return n_misses_; }
  /// Of what was taken so far, 0..1; 0 before the first.
  double hit_rate() const;

 private:
  struct Slot {
    std::int64_t key = -1;
    std::int64_t n_uses = 0;
    std::int64_t last_use = 0;
    int n_holders = 0;
  };
  int victim(Pass pass) const;
  void age();

  std::vector<Slot> slots_;
  std::unordered_map<std::int64_t, int> slot_of_;
  std::int64_t now_ = 0;
  std::int64_t n_hits_ = 0;
  std::int64_t n_misses_ = 0;
};

}  // namespace kernels
