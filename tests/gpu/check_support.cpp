#include "tests/gpu/check_support.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace gpu_check {

std::string text(const char* what, std::initializer_list<std::int64_t> sizes) {
  std::string out = what;
  for (const std::int64_t n : sizes) out += " " + std::to_string(n);
  return out;
}

std::unique_ptr<Backend> open_backend(const std::string& kind) {
  if (!kind.starts_with("cuda/")) return make_backend(kind);
  CudaOptions options;
  options.compute = compute_of(kind);
  auto made = make_cuda_backend(options);
  if (auto* why = std::get_if<DeviceError>(&made)) {
    std::printf("%s\n", why->message.c_str());
    std::exit(1);
  }
  return std::move(std::get<0>(made));
}

void compare(Report& report, const std::string& kind, Backend& device, Backend& host, const std::string& name, double limit, const Run& run) {
  Rig on_device(device);
  Rig on_host(host);
  const Floats got = run(on_device);
  if (const auto why = device.synchronize()) {
    std::printf("FAILED %s: %s\n", name.c_str(), why->message.c_str());
    ++report.n_failed;
    return;
  }
  const Floats wanted = run(on_host);
  const double error = error_of(got, Doubles(wanted.begin(), wanted.end()));
  report.line(kind, name, "error", error, limit, error <= limit);
}

void compare_sets(Report& report, const std::string& kind, Backend& device, Backend& host, const std::string& name, std::int64_t k,
                  double least, const Select& select) {
  Rig on_device(device);
  Rig on_host(host);
  const Ints got = select(on_device);
  if (const auto why = device.synchronize()) {
    std::printf("FAILED %s: %s\n", name.c_str(), why->message.c_str());
    ++report.n_failed;
    return;
  }
  const Ints wanted = select(on_host);
  double overlap = 0;
  bool ordered = got.size() == wanted.size();
  const std::size_t n_rows = got.size() / static_cast<std::size_t>(k);
  for (std::size_t row = 0; row < n_rows && ordered; ++row) {
    const auto begin = static_cast<std::ptrdiff_t>(row) * k;
    Ints a(got.begin() + begin, got.begin() + begin + k);
    Ints b(wanted.begin() + begin, wanted.begin() + begin + k);
    const auto n_padding = std::count(a.begin(), a.end(), -1);
    ordered = n_padding == std::count(b.begin(), b.end(), -1) && std::is_sorted(a.begin(), a.end() - n_padding) &&
              std::all_of(a.end() - n_padding, a.end(), [](int s) { return s == -1; });
    Ints both;
    std::set_intersection(a.begin(), a.end() - n_padding, b.begin(), b.end() - n_padding, std::back_inserter(both));
    const double n = static_cast<double>(k - n_padding);
    overlap += n == 0 ? 1.0 : static_cast<double>(both.size()) / (2 * n - static_cast<double>(both.size()));
  }
  overlap /= static_cast<double>(std::max<std::size_t>(1, n_rows));
  report.line(kind, name, ordered ? "overlap" : "NOT ASCENDING, overlap", overlap, least, ordered && overlap >= least);
}

}  // namespace gpu_check
