// Every operation of the GPU backend against plain f32 loops on the host, one line per case, no test framework: for
// machines that have a GPU and little else. "--small": the cases that a memory checker can go through in a minute.
// Returns 1 when a case failed.
#include <cstring>

#include "tests/gpu/check_support.h"

namespace gpu_check {
namespace {

int check_all(bool small) {
  Report report;
  for (const std::string kind : {"cuda/f32", "cuda/bf16"}) {
    const auto device = open_backend(kind);
    const auto host = open_backend("reference");
    std::printf("%s: %s\n", kind.c_str(), device->name().c_str());
    check_rows(report, kind, *device, *host, small);
    check_products(report, kind, *device, *host, small);
    check_keys(report, kind, *device, *host, small);
  }
  std::printf("%d cases, %d failed\n", report.n_cases, report.n_failed);
  return report.n_failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gpu_check

int main(int argc, char** argv) { return gpu_check::check_all(argc > 1 && std::strcmp(argv[1], "--small") == 0); }
