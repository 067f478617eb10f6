#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

struct zip;

namespace app {

/// Reads members of a zip archive in memory, with limits: a few kilobytes must not become gigabytes.
class ZipArchive {
 public:
  /// `bytes` must outlive the archive.
  static engine::Result<ZipArchive> open(std::string_view bytes);
  ZipArchive(ZipArchive&& other) noexcept : zip_(std::exchange(other.zip_, nullptr)), n_left_(other.n_left_) {}
  ZipArchive& operator=(ZipArchive&&) = delete;
  ~ZipArchive();

  bool has(const std::string& name) const;
  /// Fails when it is missing, encrypted, damaged, or larger than the limits allow.
  engine::Result<std::string> read(const std::string& name);

 private:
  explicit ZipArchive(zip* archive) : zip_(archive) {}
  zip* zip_;
  std::size_t n_left_ = 256u << 20;  // bytes that may still be unpacked from this archive
};

}  // namespace app
