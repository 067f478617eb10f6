#pragma once

#include <cstddef>

namespace kernels {

/// How a card's free memory is shared out.
struct CardShare {
  std::size_t resident_bytes = 0;  // weights that stay; 0: all of them
  std::size_t stream_bytes = 0;    // weights that come and go
};

/// `weight_bytes` of weights on a card with `free_bytes`: all of them where keys and activations still have room
/// beside them, else part of them and a place for experts that come when they are needed.
CardShare share_card(std::size_t free_bytes, std::size_t weight_bytes);

}  // namespace kernels
