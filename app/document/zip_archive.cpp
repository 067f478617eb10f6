#include "app/document/zip_archive.h"

#include <zip.h>

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr zip_int64_t kMaxMembers = 50'000;
constexpr std::size_t kMaxMemberBytes = 64u << 20;
constexpr std::size_t kBombFactor = 400;      // text does not pack better than this
constexpr std::size_t kBombBytes = 4u << 20;  // of what is unpacked, from where on that is asked

}  // namespace

Result<ZipArchive> ZipArchive::open(std::string_view bytes) {
  zip_error_t why;
  zip_error_init(&why);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &why);
  zip_t* archive = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : nullptr;
  zip_error_fini(&why);
  if (!archive) {
    if (source) zip_source_free(source);
    return Error{ErrorCode::kCorrupt, "The file is damaged: it is no whole zip archive, as documents of this kind are. Save or fetch it again."};
  }
  ZipArchive opened(archive);
  if (zip_get_num_entries(archive, 0) > kMaxMembers) return Error{ErrorCode::kUnsupported, "The document is an archive of more than 50000 files, which no document needs. Export it again from its source."};
  return opened;
}

ZipArchive::~ZipArchive() {
  if (zip_) zip_discard(zip_);
}

bool ZipArchive::has(const std::string& name) const { return zip_name_locate(zip_, name.c_str(), 0) >= 0; }

Result<std::string> ZipArchive::read(const std::string& name) {
  zip_stat_t facts;
  if (zip_stat(zip_, name.c_str(), 0, &facts) != 0) return Error{ErrorCode::kCorrupt, "The document lacks its part \"" + name + "\". Save it again in the program it came from."};
  if ((facts.valid & ZIP_STAT_ENCRYPTION_METHOD) && facts.encryption_method != ZIP_EM_NONE) return Error{ErrorCode::kUnsupported, "The document is encrypted. Save an unprotected copy and read that in."};
  const Error too_large{ErrorCode::kUnsupported, "The document's part \"" + name + "\" unpacks to more than a text can be; it may be made to do harm. Export it again from its source, or split it."};
  if (!(facts.valid & ZIP_STAT_SIZE) || facts.size > kMaxMemberBytes || facts.size > n_left_) return too_large;
  if (facts.size > kBombBytes && (facts.valid & ZIP_STAT_COMP_SIZE) && facts.size / std::max<zip_uint64_t>(facts.comp_size, 1) > kBombFactor) return too_large;
  zip_file_t* file = zip_fopen(zip_, name.c_str(), 0);
  if (!file) return Error{ErrorCode::kCorrupt, "The document's part \"" + name + "\" cannot be unpacked. Save it again in the program it came from."};
  // The size is a claim of the file: reading stops there, and one byte more is a lie.
  std::string bytes(static_cast<std::size_t>(facts.size) + 1, '\0');
  std::size_t n = 0;
  zip_int64_t got = 0;
  while (n < bytes.size() && (got = zip_fread(file, bytes.data() + n, bytes.size() - n)) > 0) n += static_cast<std::size_t>(got);
  const bool whole = zip_fclose(file) == 0 && got >= 0 && n == facts.size;
  if (!whole) return Error{ErrorCode::kCorrupt, "The document's part \"" + name + "\" is damaged. Save or fetch the document again."};
  bytes.resize(n);
  n_left_ -= n;
  return bytes;
}

}  // namespace app
