// Whatever cannot be read is refused in one line that says what, where, why and what to do; and PDFs
// with changed bytes cost nothing but themselves.
#include <sys/stat.h>
#include <unistd.h>

#include <QDir>
#include <QTemporaryDir>
#include <QTest>
#include <random>

#include "app/ingest/ingest.h"
#include "app/ingest/page_extractor.h"
#include "tests/support/make_pdf.h"

using namespace app;

namespace {

const char* kWorker = LONGLEAF_BINARY_DIR "/app/cli/longleaf-cli";

/// One change as broken disks, bad programs and people who mean harm make it.
void mutate(std::string& bytes, std::mt19937& random) {
  const std::size_t at = random() % bytes.size(), n = std::min<std::size_t>(1 + random() % 64, bytes.size() - at);
  switch (random() % 6) {
    case 0:
      bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes.erase(at, n);
      break;
    case 2:
      bytes.insert(random() % bytes.size(), bytes.substr(at, n));
      break;
    case 3:
      bytes.resize(std::max<std::size_t>(at, 16));
      break;
    default: {  // a number becomes another
      const std::size_t digit = bytes.find_first_of("0123456789", at);
      if (digit == std::string::npos) break;
      const char* kNumbers[] = {"0", "-1", "99999999", "2147483647", "1e30", "4294967296"};
      bytes.replace(digit, bytes.find_first_not_of("0123456789", digit) - digit, kNumbers[random() % 6]);
    }
  }
}

std::vector<std::string> seeds() {
  tests::PdfMaker text;
  for (int page = 0; page < 3; ++page) {
    text.new_page(page * 90);
    text.paragraph(72, 100, 10, 80, "The harbour closed in the winter of that year and the lantern burned on. It was seen from afar.");
  }
  text.outline("Harbour", 1);
  tests::PdfMaker drawn;
  for (const double x : {72.0, 172.0, 272.0}) drawn.line(x, 100, x, 160);
  for (const double y : {100.0, 130.0, 160.0}) drawn.line(72, y, 272, y);
  for (const double x : {80.0, 180.0}) drawn.text(x, 120, 10, "cell");
  drawn.hidden_text(72, 300, 10, "hidden");
  drawn.fill(72, 320, 100, 20, 0.3);
  drawn.picture(72, 400, 100, 100);
  return {text.bytes(), drawn.bytes(), text.encrypted("")};
}

}  // namespace

class RefusalsTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  std::string path(const std::string& name) const { return folder_.filePath(QString::fromStdString(name)).toStdString(); }

 private slots:
  void every_refusal_says_what_where_why_and_what_to_do_data() {
    QTest::addColumn<std::string>("name");
    QTest::addColumn<std::string>("why");
    QTest::addColumn<std::string>("what_to_do");
    const auto row = [](const char* what, const char* name, const char* why, const char* what_to_do) { QTest::newRow(what) << std::string(name) << std::string(why) << std::string(what_to_do); };
    tests::PdfMaker pdf;
    pdf.text(72, 100, 10, "Words.");
    row("missing", "nowhere.pdf", "does not exist", "Check the path");
    tests::write_file(path("empty.txt"), "");
    row("empty text", "empty.txt", "empty", "Save or fetch");
    tests::write_file(path("empty.pdf"), "");
    row("empty PDF", "empty.pdf", "empty", "Fetch or export");
    tests::write_file(path("noise.pdf"), "%PDF-1.7\n" + std::string(3000, '\xA5'));
    row("damaged PDF", "noise.pdf", "damaged", "export it again");
    tests::write_file(path("lie.pdf"), "once upon a time");
    row("no PDF", "lie.pdf", "no PDF", "export it as PDF");
    tests::write_file(path("locked.pdf"), pdf.encrypted("house"));
    row("locked PDF", "locked.pdf", "password", "unprotected copy");
    tests::write_file(path("picture.bin"), std::string("\x89PNG\0\0\0", 7));
    row("binary", "picture.bin", "binary", "export the document");
    tests::write_file(path("huge.txt"), "x");
    QCOMPARE(::truncate(path("huge.txt").c_str(), 100'000'000), 0);
    row("too large", "huge.txt", "larger than", "Split it");
    QCOMPARE(::mkfifo(path("pipe").c_str(), 0600), 0);
    row("a pipe", "pipe", "not a regular file", "Choose");
    QDir(folder_.path()).mkpath("hollow");
    row("empty folder", "hollow", "no text files", "Choose another folder");
    tests::write_file(path("torn.docx"), "PK\x03\x04torn");
    row("torn Word document", "torn.docx", "damaged", "Save or fetch");
    tests::write_file(path("torn.epub"), "PK\x03\x04torn");
    row("torn book", "torn.epub", "damaged", "Save or fetch");
    tests::write_file(path("silent.html"), "<script>x</script>");
    row("page without text", "silent.html", "no text", "export it as PDF");
  }
  void every_refusal_says_what_where_why_and_what_to_do() {
    QFETCH(std::string, name);
    QFETCH(std::string, why);
    QFETCH(std::string, what_to_do);
    auto project = *Project::open(path("refusals.longleaf"));
    IngestOptions options;
    options.worker = kWorker;
    const auto refused = ingest(*project, path(name), options, {}, {});
    QVERIFY(!refused);
    const std::string& line = refused.error().message;
    QVERIFY2(line.starts_with(path(name)), line.c_str());
    QVERIFY2(line.find(why) != std::string::npos, line.c_str());
    QVERIFY2(line.find(what_to_do) != std::string::npos, line.c_str());
    QVERIFY2(line.find('\n') == std::string::npos && line.size() < 400 + path(name).size(), line.c_str());
    QVERIFY(project->documents()->empty());
  }

  void a_missing_worker_and_a_folder_without_git_are_said_too() {
    auto project = *Project::open(path("others.longleaf"));
    tests::PdfMaker pdf;
    pdf.text(72, 100, 10, "Words.");
    tests::write_file(path("good.pdf"), pdf.bytes());
    IngestOptions options;
    options.worker = "/nowhere/longleaf-cli";
    const auto no_worker = ingest(*project, path("good.pdf"), options, {}, {});
    QVERIFY(no_worker.error().message.find("Install Longleaf again") != std::string::npos);
    QDir(folder_.path()).mkpath("plain");
    tests::write_file(path("plain/a.py"), "a = 1\n");
    options.changes_since = "main";
    const auto no_git = ingest(*project, path("plain"), options, {}, {});
    QVERIFY(no_git.error().message.find("not under git") != std::string::npos);
    auto reader = *Project::open(path("others.longleaf"), OpenMode::kReadOnly);
    const auto read_only = ingest(*reader, path("good.pdf"), {}, {}, {});
    QVERIFY(read_only.error().message.find("reading only") != std::string::npos);
  }

  /// LONGLEAF_MUTANTS=20000 for a night's run.
  void pdfs_with_changed_bytes_are_read_or_refused_and_never_hang() {
    std::mt19937 random(qEnvironmentVariableIntValue("LONGLEAF_SEED"));
    const int n_mutants = qEnvironmentVariableIsSet("LONGLEAF_MUTANTS") ? qEnvironmentVariableIntValue("LONGLEAF_MUTANTS") : 300;
    const std::vector<std::string> originals = seeds();
    int n_read = 0, n_refused = 0;
    for (int i = 0; i < n_mutants; ++i) {
      std::string bytes = originals[static_cast<std::size_t>(i) % originals.size()];
      for (unsigned n = 1 + random() % 8; n > 0; --n) mutate(bytes, random);
      tests::write_file(path("mutant.pdf"), bytes);
      const auto file = open_regular_file(path("mutant.pdf"));
      ExtractOptions options;
      options.worker = kWorker;
      options.page_timeout_ms = 10'000;
      int n_pages = 0, n_came = 0;
      const ExtractSink sink{[&](const DocumentFacts& facts) -> Result<void> {
                               n_pages = facts.n_pages;
                               return {};
                             },
                             [&](PageFrame&& page) -> Result<void> {
                               n_came += page.number >= 1;
                               return {};
                             }};
      const auto result = extract_pages(*file, options, sink, {});
      if (result) QCOMPARE(n_came, n_pages);
      else QVERIFY2(!result.error().message.empty() && result.error().message.find("stuck") == std::string::npos, result.error().message.c_str());
      ++(result ? n_read : n_refused);
    }
    qInfo("%d mutants: %d read, %d refused", n_mutants, n_read, n_refused);
    QVERIFY(n_read > 0 && n_refused > 0);
  }
};

QTEST_GUILESS_MAIN(RefusalsTest)
#include "refusals_test.moc"
