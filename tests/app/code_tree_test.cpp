// What is known of a code tree beside its text: definitions, history, changes, encodings, and what is
// left out and read all the same.
#include <QDir>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <map>

#include "app/document/text_file.h"
#include "app/ingest/ingest.h"
#include "tests/support/make_pdf.h"

using namespace app;

class CodeTreeTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  int n_projects_ = 0;

  std::string path(const std::string& name) const { return folder_.filePath(QString::fromStdString(name)).toStdString(); }
  void made(const std::string& name, const std::string& bytes) const {
    QDir().mkpath(QFileInfo(QString::fromStdString(path(name))).path());
    tests::write_file(path(name), bytes);
  }
  std::unique_ptr<Project> new_project() { return *Project::open(path("p" + std::to_string(++n_projects_) + ".longleaf")); }
  static std::string names(const Project& project, DocumentId id) {
    std::string all;
    const auto parts = *project.parts(id);
    for (const Part& part : parts) all += part.name + " ";
    return all;
  }
  static std::map<std::string, std::string> left_out(const Project& project, DocumentId id) {
    std::map<std::string, std::string> reasons;
    const auto files = *project.left_out(id);
    for (const LeftOut& file : files) reasons[file.path] = file.reason;
    return reasons;
  }
  bool git(const std::string& folder, const std::string& command) const {
    const std::string line = "cd '" + path(folder) + "' && git -c user.name=Ines -c user.email=i@x -c init.defaultBranch=main -c protocol.file.allow=always " + command + " >/dev/null 2>&1";
    return std::system(line.c_str()) == 0;
  }

 private slots:
  void functions_and_classes_are_found_with_their_lines() {
    made("code/burn.cpp", "#include <cmath>\n\nclass Unit {\n public:\n  double area() const {\n    return 7;\n  }\n};\n\nint main() {\n  return 0;\n}\n");
    made("code/plan.py", "class Plan:\n    def choose(self):\n        return 1\n");
    made("code/notes.md", "# Heading\n");
    auto project = new_project();
    const auto id = ingest(*project, path("code"), {}, {}, {});
    QVERIFY(id);
    if (!project->documents()->at(0).note.empty()) QSKIP("Universal Ctags is not installed");
    const auto hits = *project->find_symbols("unit", 5);
    QCOMPARE(hits.size(), 1u);
    QCOMPARE(hits[0].symbol.first_line, 3);
    QCOMPARE(hits[0].symbol.last_line, 8);
    QCOMPARE(hits[0].part_name, "burn.cpp");
    const auto choose = *project->find_symbols("choose", 5);
    QCOMPARE(choose.at(0).symbol.scope, "Plan");
    QCOMPARE(choose.at(0).symbol.last_line, 3);
    made("code/burn.cpp", "int other() {\n  return 1;\n}\n");
    QVERIFY(ingest(*project, path("code"), {}, {}, {}));
    QVERIFY(project->find_symbols("unit", 5)->empty());
    QCOMPARE(project->find_symbols("other", 5)->size(), 1u);
  }

  void files_say_who_changed_them_last() {
    made("history/a.py", "a = 1\n");
    made("history/b.py", "b = 1\n");
    if (!git("history", "init -q") || !git("history", "add -A") || !git("history", "commit -q -m 'Begin'")) QSKIP("git is not installed");
    made("history/a.py", "a = 2\n");
    QVERIFY(git("history", "commit -q -a -m 'Count to two'"));
    auto project = new_project();
    const auto id = ingest(*project, path("history"), {}, {}, {});
    QVERIFY(id);
    const auto parts = *project->parts(*id);
    QVERIFY2(parts.at(0).last_change.ends_with(" Ines: Count to two"), parts[0].last_change.c_str());
    QVERIFY2(parts.at(1).last_change.ends_with(" Ines: Begin"), parts[1].last_change.c_str());
    const std::string revision = project->documents()->at(0).revision;
    QVERIFY2(revision.starts_with("main ") && revision.ends_with(" Count to two"), revision.c_str());
  }

  void changes_since_a_branch_are_a_source_of_their_own() {
    made("work/kept.py", "x = 1\n");
    made("work/edited.py", "a = 1\nb = 2\n");
    if (!git("work", "init -q") || !git("work", "add -A") || !git("work", "commit -q -m one") || !git("work", "checkout -q -b topic")) QSKIP("git is not installed");
    made("work/edited.py", "a = 1\nb = 3\n");
    QVERIFY(git("work", "commit -q -a -m two"));
    made("work/fresh.py", "c = 4\n");
    auto project = new_project();
    IngestOptions options;
    options.changes_since = "main";
    const auto id = ingest(*project, path("work"), options, {}, {});
    QVERIFY2(id, id ? "" : id.error().message.c_str());
    QCOMPARE(names(*project, *id), "edited.py (changes) fresh.py (changes) ");
    const std::string text = project->part_text(project->parts(*id)->at(0).id)->text;
    QVERIFY2(text.find("-b = 2\n+b = 3\n") != std::string::npos, text.c_str());
    QCOMPARE(*ingest(*project, path("work"), options, {}, {}), *id);
    options.changes_since = "nowhere";
    QCOMPARE(ingest(*project, path("work"), options, {}, {}).error().code, ErrorCode::kNotFound);
  }

  void submodules_are_read_by_their_own_rules() {
    made("module/x.py", "x = 1\n");
    made("module/.gitignore", "*.tmp\n");
    made("outer/y.py", "y = 1\n");
    if (!git("module", "init -q") || !git("module", "add -A") || !git("module", "commit -q -m m")) QSKIP("git is not installed");
    QVERIFY(git("outer", "init -q") && git("outer", "submodule add ../module lib") && git("outer", "add -A") && git("outer", "commit -q -m o"));
    made("outer/lib/left.tmp", "t\n");
    made("outer/right.tmp", "t\n");
    auto project = new_project();
    const auto id = ingest(*project, path("outer"), {}, {}, {});
    QVERIFY(id);
    QCOMPARE(names(*project, *id), ".gitmodules lib/.gitignore lib/x.py right.tmp y.py ");
    QCOMPARE(left_out(*project, *id)["lib/left.tmp"], "ignored by .gitignore");
  }

  void attributes_and_rules_leave_files_out_and_asking_brings_them_back() {
    made("rules/.gitattributes", "gen/* linguist-generated\n*.blob binary\n");
    made("rules/.gitignore", "build/\nsecret.txt\n");
    made("rules/gen/parser.c", "int p;\n");
    made("rules/data.blob", "text all the same\n");
    made("rules/build/config.h", "#define A 1\n");
    made("rules/secret.txt", "s\n");
    made("rules/app.min.js", "var a;\n");
    made("rules/long.js", std::string(6000, 'x') + "\n");
    made("rules/made.py", "# @generated by a tool\nx = 1\n");
    made("rules/big.txt", std::string(1'500'000, 'y'));
    made("rules/package-lock.json", "{}\n");
    made("rules/main.c", "int m;\n");
    if (!git("rules", "init -q")) QSKIP("git is not installed");
    auto project = new_project();
    const DocumentId id = *ingest(*project, path("rules"), {}, {}, {});
    QCOMPARE(names(*project, id), ".gitattributes .gitignore main.c ");
    auto reasons = left_out(*project, id);
    QCOMPARE(reasons["gen/parser.c"], "generated (.gitattributes: linguist-generated)");
    QCOMPARE(reasons["data.blob"], "binary (.gitattributes)");
    QCOMPARE(reasons["build/"], "ignored by .gitignore");
    QCOMPARE(reasons["app.min.js"], "minified");
    QVERIFY(reasons["long.js"].starts_with("minified or generated"));
    QVERIFY(reasons["made.py"].starts_with("generated"));
    QVERIFY(reasons["big.txt"].starts_with("large (1.5 MB"));
    QVERIFY(reasons["package-lock.json"].starts_with("lock file"));
    IngestOptions asked;
    asked.include = {"build/", "long.js", "big.txt", "gen/parser.c"};
    QCOMPARE(*ingest(*project, path("rules"), asked, {}, {}), id);
    QCOMPARE(names(*project, id), ".gitattributes .gitignore big.txt build/config.h gen/parser.c long.js main.c ");
    QCOMPARE(*ingest(*project, path("rules"), {}, {}, {}), id);  // it is remembered
    QVERIFY(names(*project, id).find("build/config.h") != std::string::npos);
    reasons = left_out(*project, id);
    QVERIFY(!reasons.contains("long.js") && reasons.contains("secret.txt"));
  }

  void texts_in_old_encodings_are_recognised_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("text");
    const auto row = [](const char* encoding, const char* utf8) {
      QProcess iconv;
      iconv.start("iconv", {"-f", "UTF-8", "-t", encoding});
      iconv.write(utf8);
      iconv.closeWriteChannel();
      iconv.waitForFinished();
      QTest::newRow(encoding) << iconv.readAllStandardOutput() << QString::fromUtf8(utf8);
    };
    const char* kRussian = "Лесной пожар начался утром и продолжался весь день, пока не пошёл сильный дождь над долиной реки.\n";
    const char* kJapanese = "森林の火事は朝に始まり、谷に強い雨が降るまで一日中続きました。これは報告書の最初の文です。\n";
    row("KOI8-R", kRussian);
    row("WINDOWS-1251", kRussian);
    row("SHIFT_JIS", kJapanese);
    row("EUC-JP", kJapanese);
    row("GB18030", "森林火灾从早晨开始,一直持续到山谷里下大雨为止。这是报告的第一句话,后面还有很多内容。\n");
    row("BIG5", "森林火災從早晨開始,一直持續到山谷裡下大雨為止。這是報告的第一句話,後面還有很多內容。\n");
    row("EUC-KR", "산불은 아침에 시작되어 계곡에 큰 비가 내릴 때까지 하루 종일 계속되었습니다. 이것은 보고서의 첫 문장입니다.\n");
    row("ISO-8859-2", "Požár začal ráno a trval celý den, dokud nad údolím řeky nezačalo silně pršet. Byl to nejhorší požár za poslední léta.\n");
    row("ISO-8859-7", "Η πυρκαγιά άρχισε το πρωί και κράτησε όλη τη μέρα μέχρι που έβρεξε δυνατά στην κοιλάδα του ποταμού.\n");
    row("WINDOWS-1252", "Das Feuer begann früh – und “währte” den ganzen Tag, bis über dem Tal heftiger Regen fiel: größer als je zuvor.\n");
    row("UTF-16", "Plain words, in two bytes each.\n");
  }
  void texts_in_old_encodings_are_recognised() {
    QFETCH(QByteArray, bytes);
    QFETCH(QString, text);
    if (bytes.isEmpty()) QSKIP("iconv is not installed");
    QCOMPARE(QString::fromStdString(decode_text(bytes.toStdString()).text), text);
  }
};

QTEST_GUILESS_MAIN(CodeTreeTest)
#include "code_tree_test.moc"
