#include "engine/tokenizer/byte_pairs.h"

#include <bit>
#include <queue>
#include <tuple>

namespace engine {
namespace {

// Up to here looking at all pairs again after each merge is faster than a heap.
constexpr std::size_t kShortPiece = 24;

std::uint64_t pair_of(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

}  // namespace

BytePairs::BytePairs(const std::array<TokenId, 256>& byte_tokens, std::size_t n_merges) : byte_tokens_(byte_tokens) {
  const std::size_t size = std::bit_ceil(2 * n_merges + 2);
  table_.resize(size);
  shift_ = 64 - std::countr_zero(size);
}

std::size_t BytePairs::slot(std::uint64_t pair) const {
  // Fibonacci hashing: the top bits of a product with 2^64 / golden ratio.
  std::size_t at = (pair * 0x9E3779B97F4A7C15u) >> shift_;
  while (table_[at].pair != pair && table_[at].pair != kNone) at = (at + 1) & (table_.size() - 1);
  return at;
}

void BytePairs::add(TokenId left, TokenId right, TokenId merged) {
  CHECK(2 * std::size_t{next_rank_} < table_.size());
  const std::uint64_t pair = pair_of(left, right);
  table_[slot(pair)] = {pair, next_rank_++, merged};
}

const BytePairs::Merge* BytePairs::find(TokenId left, TokenId right) const {
  const Merge& merge = table_[slot(pair_of(left, right))];
  return merge.pair == kNone ? nullptr : &merge;
}

void BytePairs::encode(std::string_view piece, std::vector<TokenId>& tokens) const {
  if (piece.size() <= kShortPiece) {
    encode_short(piece, tokens);
  } else {
    encode_long(piece, tokens);
  }
}

void BytePairs::encode_short(std::string_view piece, std::vector<TokenId>& tokens) const {
  std::array<TokenId, kShortPiece> symbols{};
  std::array<const Merge*, kShortPiece> merges{};  // of symbol i and i + 1
  std::size_t n = piece.size();
  for (std::size_t i = 0; i < n; ++i) symbols[i] = byte_tokens_[static_cast<unsigned char>(piece[i])];
  for (std::size_t i = 0; i + 1 < n; ++i) merges[i] = find(symbols[i], symbols[i + 1]);
  while (true) {
    std::size_t best = n;
    for (std::size_t i = 0; i + 1 < n; ++i) {
      if (merges[i] && (best == n || merges[i]->rank < merges[best]->rank)) best = i;
    }
    if (best == n) break;
    symbols[best] = merges[best]->merged;
    --n;
    for (std::size_t i = best + 1; i < n; ++i) {
      symbols[i] = symbols[i + 1];
      merges[i] = merges[i + 1];
    }
    merges[n - 1] = nullptr;
    if (best + 1 < n) merges[best] = find(symbols[best], symbols[best + 1]);
    if (best > 0) merges[best - 1] = find(symbols[best - 1], symbols[best]);
  }
  tokens.insert(tokens.end(), symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(n));
}

void BytePairs::encode_long(std::string_view piece, std::vector<TokenId>& tokens) const {
  constexpr std::uint32_t kEnd = ~std::uint32_t{0};
  struct Symbol {
    TokenId id;
    std::uint32_t previous;
    std::uint32_t next;
    bool alive;
  };
  struct Candidate {
    std::uint32_t rank;
    std::uint32_t at;
    TokenId left;
    TokenId right;
    bool operator>(const Candidate& other) const { return std::tie(rank, at) > std::tie(other.rank, other.at); }
  };
  const auto n = static_cast<std::uint32_t>(piece.size());
  std::vector<Symbol> symbols(n);
  std::vector<Candidate> first;
  for (std::uint32_t i = 0; i < n; ++i) {
    symbols[i] = {byte_tokens_[static_cast<unsigned char>(piece[i])], i == 0 ? kEnd : i - 1, i + 1 == n ? kEnd : i + 1, true};
    if (i == 0) continue;
    const TokenId left = symbols[i - 1].id;
    if (const Merge* merge = find(left, symbols[i].id)) first.push_back({merge->rank, i - 1, left, symbols[i].id});
  }
  std::priority_queue queue(std::greater<Candidate>{}, std::move(first));
  const auto consider = [&](std::uint32_t at) {
    const std::uint32_t next = symbols[at].next;
    if (next == kEnd) return;
    if (const Merge* merge = find(symbols[at].id, symbols[next].id)) {
      queue.push({merge->rank, at, symbols[at].id, symbols[next].id});
    }
  };
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Symbol& left = symbols[top.at];
    // One of the two has been merged with another neighbour since.
    if (!left.alive || left.id != top.left || left.next == kEnd || symbols[left.next].id != top.right) continue;
    Symbol& right = symbols[left.next];
    left.id = find(top.left, top.right)->merged;
    right.alive = false;
    left.next = right.next;
    if (right.next != kEnd) symbols[right.next].previous = top.at;
    consider(top.at);
    if (left.previous != kEnd) consider(left.previous);
  }
  for (std::uint32_t i = 0; i != kEnd; i = symbols[i].next) tokens.push_back(symbols[i].id);
}

}  // namespace engine
