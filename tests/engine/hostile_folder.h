#pragma once

#include <QTemporaryDir>
#include <QtTest>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/base/result.h"

/// A folder of files that are changed and read again, with a verdict each.
class HostileFolder {
 public:
  std::filesystem::path path() const { return folder_.path().toStdString(); }
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path() / name, std::ios::binary) << bytes;
    return path() / name;
  }
  static std::string read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  QTemporaryDir folder_;
};

/// `text` with the first `old` replaced; ends the test program when it is not there.
inline std::string replaced(std::string text, const std::string& old, const std::string& with) {
  const auto at = text.find(old);
  if (at == std::string::npos) qFatal("%s is not there", old.c_str());
  return text.replace(at, old.size(), with);
}

/// Whether `result` is an error whose message is a sentence that holds `names`.
template <typename T>
bool refused(const engine::Result<T>& result, const std::string& names) {
  if (result) {
    qWarning("accepted, but should be refused with: %s", names.c_str());
    return false;
  }
  const std::string& message = result.error().message;
  const bool is_clear = message.find(names) != std::string::npos && message.ends_with('.') && message.size() > 12;
  if (!is_clear) qWarning("the message does not name \"%s\": %s", names.c_str(), message.c_str());
  return is_clear;
}

/// Memory of this process at its highest, in bytes.
std::int64_t peak_memory();
