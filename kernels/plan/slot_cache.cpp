#include "kernels/plan/slot_cache.h"

#include <cstddef>

namespace kernels {
namespace {

constexpr std::int64_t kUsesPerSlot = 16;  // takes per slot after which old uses count half

}  // namespace

SlotCache::SlotCache(int n_slots) : slots_(static_cast<std::size_t>(n_slots)) {}

SlotCache::Place SlotCache::take(std::int64_t key, Pass pass) {
  age();
  ++now_;
  const auto found = slot_of_.find(key);
  const bool is_there = found != slot_of_.end();
  const int at = is_there ? found->second : victim(pass);
  if (at < 0) return {};
  Slot& slot = slots_[static_cast<std::size_t>(at)];
  if (is_there) {
    ++n_hits_;
  } else {
    ++n_misses_;
    if (slot.key >= 0) slot_of_.erase(slot.key);
    slot = {};
    slot.key = key;
    slot_of_[key] = at;
  }
  if (pass == Pass::kToken) ++slot.n_uses;
  ++slot.n_holders;
  slot.last_use = now_;
  return {at, is_there};
}

void SlotCache::release(std::int64_t key) {
  const auto found = slot_of_.find(key);
  if (found == slot_of_.end()) return;
  int& n_holders = slots_[static_cast<std::size_t>(found->second)].n_holders;
  if (n_holders > 0) --n_holders;
}

SlotCache::Place SlotCache::find(std::int64_t key) const {
  const auto found = slot_of_.find(key);
  if (found == slot_of_.end()) return {};
  return {found->second, true};
}

double SlotCache::hit_rate() const {
  const std::int64_t n = n_hits_ + n_misses_;
  return n == 0 ? 0.0 : static_cast<double>(n_hits_) / static_cast<double>(n);
}

int SlotCache::victim(Pass pass) const {
  int best = -1;
  for (int i = 0; i < n_slots(); ++i) {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    if (slot.n_holders > 0) continue;
    if (slot.key < 0) return i;
    if (best < 0) {
      best = i;
      continue;
    }
    const Slot& other = slots_[static_cast<std::size_t>(best)];
    const bool is_rarer = pass == Pass::kToken && slot.n_uses != other.n_uses;
    if (is_rarer ? slot.n_uses < other.n_uses : slot.last_use < other.last_use) best = i;
  }
  return best;
}

void SlotCache::age() {
  if ((now_ + 1) % (kUsesPerSlot * std::int64_t{n_slots()} + 1) != 0) return;
  for (Slot& slot : slots_) slot.n_uses /= 2;
}

}  // namespace kernels
