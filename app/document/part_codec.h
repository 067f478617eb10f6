#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/document/page.h"
#include "engine/base/result.h"

/// Spans and words as compact bytes: variable-length differences, boxes in 1/65535 of the page.
/// Used in the project file and in the frames of the page worker; decoding trusts nothing.
namespace app {

std::string encode_spans(const std::vector<Span>& spans);
std::string encode_words(const std::vector<Word>& words);

/// Fail with kCorrupt when the bytes are not whole, or a range is not ascending within `n_text_bytes`.
engine::Result<std::vector<Span>> decode_spans(std::string_view bytes, std::size_t n_text_bytes);
engine::Result<std::vector<Word>> decode_words(std::string_view bytes, std::size_t n_text_bytes);

/// 16 bytes: XXH3-128 of all the pieces, each with its length.
std::string checksum_of(std::initializer_list<std::string_view> pieces);

}  // namespace app
