// bench_ingest WORKER FILE_OR_FOLDER [--text]: reads it into a project of its own and says how fast
// that was, in CPU seconds of this process and its workers; --text prints what was read.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "app/ingest/ingest.h"

namespace {

double cpu_seconds(int who) {
  struct rusage usage {};
  getrusage(static_cast<__rusage_who>(who), &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void print_text(const app::Project& project, app::DocumentId id) {
  static constexpr const char* kKinds[] = {"heading", "sentence", "item", "row", "caption", "footnote", "code"};
  const auto parts = project.parts(id);
  if (!parts) return;
  for (const app::Part& part : *parts) {
    const auto text = project.part_text(part.id);
    if (!text) continue;
    std::printf("==== %s (%s) confidence %.2f %s\n", part.name.c_str(), part.language.c_str(), text->confidence, text->note.c_str());
    if (!text->margins.empty()) std::printf("[margins: %s]\n", text->margins.c_str());
    for (const app::Span& span : text->spans) {
      std::printf("%-8s %d | %s\n", kKinds[static_cast<int>(span.kind)], span.level, text->text.substr(span.begin, span.end - span.begin).c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("bench_ingest WORKER FILE_OR_FOLDER [--text]\n", stderr), 2;
  const std::filesystem::path file = std::filesystem::temp_directory_path() / ("bench_ingest_" + std::to_string(getpid()) + ".longleaf");
  auto project = app::Project::open(file);
  if (!project) return std::fprintf(stderr, "%s\n", project.error().message.c_str()), 1;
  app::IngestOptions options;
  options.worker = argv[1];
  app::IngestProgress last;
  const auto start = std::chrono::steady_clock::now();
  const auto id = app::ingest(**project, argv[2], options, [&](const app::IngestProgress& progress) { last = progress; }, {});
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!id) {
    std::fprintf(stderr, "%s\n", id.error().message.c_str());
  } else {
    struct rusage workers {};
    getrusage(RUSAGE_CHILDREN, &workers);
    const double own = cpu_seconds(RUSAGE_SELF), theirs = cpu_seconds(RUSAGE_CHILDREN);
    const auto read = (*project)->parts(*id);
    const auto n_parts = static_cast<long long>(read ? read->size() : 0);
    std::printf("parts,%lld,bytes,%lld,wall_s,%.3f,cpu_here_s,%.3f,cpu_workers_s,%.3f,parts_per_cpu_s,%.1f,worker_rss_mib,%.1f\n", n_parts,
                static_cast<long long>(last.n_bytes), wall, own, theirs, static_cast<double>(n_parts) / (own + theirs), static_cast<double>(workers.ru_maxrss) / 1024);
    if (argc > 3 && std::strcmp(argv[3], "--text") == 0) print_text(**project, *id);
    const auto documents = (*project)->documents();
    for (const app::Document& document : documents.value()) std::printf("note: %s\n", document.note.c_str());
  }
  project = app::Error{};
  std::filesystem::remove(file);
  return id ? 0 : 1;
}
