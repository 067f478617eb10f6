#include <sys/wait.h>
#include <unistd.h>

#include <QDir>
#include <QTemporaryDir>
#include <QTest>
#include <csignal>
#include <fstream>

#include "app/project/project.h"
#include "sqlite3.h"

using namespace app;

namespace {

PartText page_saying(const std::string& text) {
  PartText page;
  page.text = text;
  page.width_pt = 595;
  page.height_pt = 842;
  page.spans.push_back({SpanKind::kSentence, 0, 0, static_cast<std::uint32_t>(text.size()), 0, 0, {{0.25f, 0.5f, 0.75f, 1.0f}}});
  page.words.push_back({0, 3, {0.25f, 0.5f, 0.5f, 1.0f}});
  return page;
}

Part page_number(int ordinal) {
  Part part;
  part.ordinal = ordinal;
  part.name = std::to_string(ordinal);
  return part;
}

Document report() {
  Document document;
  document.title = "report.pdf";
  document.path = "/tmp/report.pdf";
  document.n_expected_parts = 2;
  return document;
}

void sql(const std::filesystem::path& path, const char* statements) {
  sqlite3* connection = nullptr;
  QCOMPARE(sqlite3_open(path.c_str(), &connection), SQLITE_OK);
  QCOMPARE(sqlite3_exec(connection, statements, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(connection);
}

}  // namespace

class ProjectTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  std::filesystem::path path(const char* name) const { return folder_.filePath(name).toStdString(); }

 private slots:
  void what_was_read_comes_back_after_closing() {
    const auto file = path("back.longleaf");
    DocumentId id = 0;
    {
      auto project = Project::open(file);
      QVERIFY(project);
      id = *(*project)->add_document(report());
      QVERIFY((*project)->add_parts(id, {{page_number(1), page_saying("The tariff rose.")}, {page_number(2), page_saying("It fell again.")}}));
      QVERIFY((*project)->add_left_out({{id, "big.bin", "binary"}}));
      QVERIFY((*project)->finish_document(id, "page 3 has no text"));
    }
    auto project = Project::open(file);
    QVERIFY(project);
    const auto documents = (*project)->documents();
    QCOMPARE(documents->size(), 1u);
    QCOMPARE((*documents)[0].title, "report.pdf");
    QCOMPARE((*documents)[0].n_parts, 2);
    QCOMPARE((*documents)[0].note, "page 3 has no text");
    QVERIFY((*documents)[0].finished);
    const auto parts = (*project)->parts(id);
    QCOMPARE((*parts)[1].name, "2");
    const auto text = (*project)->part_text((*parts)[0].id);
    QVERIFY(text);
    QCOMPARE(text->text, "The tariff rose.");
    QCOMPARE(text->width_pt, 595.0);
    QCOMPARE(text->words[0].end, 3u);
    QVERIFY(std::abs(text->spans[0].boxes[0].left - 0.25f) < 1e-4f);
    QCOMPARE((*project)->left_out(id)->at(0).reason, "binary");
  }

  void one_file_remains_when_the_project_is_closed() {
    const auto file = path("single.longleaf");
    { QVERIFY((*Project::open(file))->set_setting("draft", "Why?")); }
    QVERIFY(std::filesystem::exists(file));
    QVERIFY(!std::filesystem::exists(file.string() + "-wal"));
    QVERIFY(!std::filesystem::exists(file.string() + "-lock"));
  }

  void runs_keep_their_trace_and_come_newest_first() {
    auto project = *Project::open(path("runs.longleaf"));
    Run first;
    first.question = "Which tariff?";
    first.answer = "7.0 ct [p1]";
    first.n_prompt_tokens = 12345;
    first.decode_seconds = 1.5;
    const std::string trace(20 << 20, '\x07');
    const RunId id = *project->save_run(first, trace);
    Run second;
    second.question = "And then?";
    QVERIFY(project->save_run(second, ""));
    QCOMPARE(project->runs()->at(0).question, "And then?");
    QCOMPARE(project->run(id)->n_prompt_tokens, 12345);
    QCOMPARE(project->run(id)->decode_seconds, 1.5);
    QVERIFY(*project->run_trace(id) == trace);
    QCOMPARE(project->run(99).error().code, ErrorCode::kNotFound);
  }

  void settings_are_kept_and_replaced() {
    auto project = *Project::open(path("settings.longleaf"));
    QVERIFY(!project->setting("draft")->has_value());
    QVERIFY(project->set_setting("draft", "Why"));
    QVERIFY(project->set_setting("draft", "Why not?"));
    QCOMPARE(project->setting("draft")->value(), "Why not?");
  }

  void a_removed_document_can_be_restored_and_keeps_its_text_until_purged() {
    auto project = *Project::open(path("removed.longleaf"));
    const DocumentId id = *project->add_document(report());
    const PartId part = *project->add_part(id, page_number(1), page_saying("The tariff rose."));
    QVERIFY(project->remove_document(id));
    QCOMPARE(project->documents()->size(), 0u);
    QCOMPARE(project->search("tariff", 10)->size(), 0u);
    QCOMPARE(project->part_text(part)->text, "The tariff rose.");
    QVERIFY(project->restore_document(id));
    QCOMPARE(project->search("tariff", 10)->size(), 1u);
    QVERIFY(project->remove_document(id));
    QVERIFY(project->purge_removed());
    QCOMPARE(project->part_text(part).error().code, ErrorCode::kNotFound);
    QVERIFY(project->verify()->empty());
  }

  void a_changed_document_keeps_moved_parts_and_the_text_that_old_answers_cite() {
    auto project = *Project::open(path("changed.longleaf"));
    const DocumentId id = *project->add_document(report());
    const PartId kept = *project->add_part(id, page_number(1), page_saying("alpha words"));
    const PartId old = *project->add_part(id, page_number(2), page_saying("beta words"));
    Part moved = page_number(5);
    moved.id = kept;
    DocumentChange change;
    change.title = "report (2).pdf";
    change.gone = {old};
    change.moved = {moved};
    change.added = {{page_number(6), page_saying("gamma words")}};
    QVERIFY(project->change_document(id, change));
    QCOMPARE(project->documents()->at(0).title, "report (2).pdf");
    const auto parts = *project->parts(id);
    QCOMPARE(parts.size(), 2u);
    QCOMPARE(parts[0].id, kept);
    QCOMPARE(parts[0].name, "5");
    QCOMPARE(project->search("beta", 10)->size(), 0u);
    QCOMPARE(project->part_text(old)->text, "beta words");
    QVERIFY(project->purge_removed());
    QVERIFY(!project->part_text(old));
    QVERIFY(project->verify()->empty());
  }

  void search_marks_the_words_it_found() {
    auto project = *Project::open(path("search.longleaf"));
    const DocumentId id = *project->add_document(report());
    QVERIFY(project->add_part(id, page_number(7), page_saying("The indexer selects 2,048 keys for each query.")));
    const auto hits = *project->search("keys indexer sel", 10);
    QCOMPARE(hits.size(), 1u);
    QCOMPARE(hits[0].part_name, "7");
    QCOMPARE(hits[0].document_title, "report.pdf");
    const auto [begin, end] = hits[0].marks[0];
    QCOMPARE(hits[0].snippet.substr(begin, end - begin), "indexer");
  }

  void search_takes_operators_and_quotes_as_plain_words() {
    auto project = *Project::open(path("plain.longleaf"));
    const DocumentId id = *project->add_document(report());
    QVERIFY(project->add_part(id, page_number(1), page_saying("cats AND dogs OR (birds) call select_keys() in C++")));
    QCOMPARE(project->search("AND OR", 10)->size(), 1u);
    QCOMPARE(project->search("select_keys(", 10)->size(), 1u);
    QCOMPARE(project->search("\"dogs OR birds\"", 10)->size(), 1u);
    QCOMPARE(project->search("\"dogs birds\"", 10)->size(), 0u);
    QCOMPARE(project->search("NEAR(cats)* ^ : -\"", 10)->size(), 0u);
    QCOMPARE(project->search("((( \"", 10)->size(), 0u);
  }

  void search_finds_words_of_scripts_without_spaces() {
    auto project = *Project::open(path("han.longleaf"));
    const DocumentId id = *project->add_document(report());
    QVERIFY(project->add_part(id, page_number(1), page_saying("本报告介绍了稀疏注意力机制的原理。")));
    const auto hits = *project->search("注意力", 10);
    QCOMPARE(hits.size(), 1u);
    const auto [begin, end] = hits[0].marks.at(0);
    QCOMPARE(hits[0].snippet.substr(begin, end - begin), "注意力");
  }

  void a_file_of_a_newer_version_is_refused_and_named() {
    const auto file = path("newer.longleaf");
    { QVERIFY(Project::open(file)); }
    sql(file, "PRAGMA user_version=99");
    const auto project = Project::open(file);
    QVERIFY(!project);
    QCOMPARE(project.error().code, ErrorCode::kUnsupported);
    QVERIFY(project.error().message.find("99") != std::string::npos);
  }

  void a_file_that_is_no_project_is_refused_and_not_changed() {
    const auto text = path("text.longleaf");
    std::ofstream(text) << std::string(5000, 'x');
    QCOMPARE(Project::open(text).error().code, ErrorCode::kInvalidInput);
    QCOMPARE(std::filesystem::file_size(text), 5000u);
    const auto other = path("other.longleaf");
    sql(other, "CREATE TABLE songs(name)");
    const auto refused = Project::open(other);
    QCOMPARE(refused.error().code, ErrorCode::kInvalidInput);
    QVERIFY(refused.error().message.find("another program") != std::string::npos);
  }

  void a_changed_byte_of_stored_text_is_reported() {
    const auto file = path("flipped.longleaf");
    PartId part = 0;
    {
      auto project = *Project::open(file);
      const DocumentId id = *project->add_document(report());
      part = *project->add_part(id, page_number(1), page_saying("The tariff rose by three per cent."));
    }
    sql(file, "UPDATE part_texts SET text=replace(text, 'three', 'seven')");
    auto project = *Project::open(file);
    QCOMPARE(project->part_text(part).error().code, ErrorCode::kCorrupt);
    QCOMPARE(project->verify()->size(), 1u);
  }

  void a_cut_file_is_reported_and_not_changed() {
    const auto file = path("cut.longleaf");
    {
      auto project = *Project::open(file);
      const DocumentId id = *project->add_document(report());
      for (int i = 1; i <= 50; ++i) QVERIFY(project->add_part(id, page_number(i), page_saying(std::string(9000, 'a' + i % 26))));
    }
    const auto size = std::filesystem::file_size(file) / 3;
    std::filesystem::resize_file(file, size);
    const auto project = Project::open(file);
    if (project) {
      QVERIFY(!(*project)->verify()->empty());
    } else {
      QCOMPARE(project.error().code, ErrorCode::kCorrupt);
    }
    QCOMPARE(std::filesystem::file_size(file), size);
  }

  void two_threads_of_one_program_may_both_write() {
    const auto file = path("threads.longleaf");
    auto first = *Project::open(file);
    auto second = *Project::open(file);
    QVERIFY(!second->read_only());
    QVERIFY(first->set_setting("a", "1"));
    QVERIFY(second->set_setting("b", "2"));
    QCOMPARE(first->setting("b")->value(), "2");
  }

  void a_second_program_reads_only_and_says_why() {
    const auto file = path("shared.longleaf");
    auto mine = *Project::open(file);
    QVERIFY(mine->set_setting("a", "1"));
    // A forked child keeps this process's table of locks, so the other program is a real one.
    const std::string other = QCoreApplication::applicationFilePath().toStdString();
    const int status = std::system((other + " --second-program " + file.string()).c_str());
    QVERIFY(WIFEXITED(status));
    QCOMPARE(WEXITSTATUS(status), 42);
    QVERIFY(mine->set_setting("a", "2"));
  }

  void the_project_of_a_killed_program_can_be_written_at_once() {
    const auto file = path("killed.longleaf");
    const std::string other = QCoreApplication::applicationFilePath().toStdString();
    const int status = std::system(("exec " + other + " --die-writing " + file.string()).c_str());
    QVERIFY(WIFSIGNALED(status) || WEXITSTATUS(status) == 128 + SIGKILL);
    auto project = Project::open(file);
    QVERIFY(project);
    QVERIFY(!(*project)->read_only());
    QCOMPARE((*project)->setting("saved")->value(), "yes");
    QVERIFY((*project)->verify()->empty());
  }

  void a_backup_is_a_whole_project_of_its_own() {
    auto project = *Project::open(path("source.longleaf"));
    QVERIFY(project->set_setting("a", "1"));
    QVERIFY(project->back_up(path("copy.longleaf")));
    QVERIFY(project->back_up(path("copy.longleaf")));
    QCOMPARE((*Project::open(path("copy.longleaf")))->setting("a")->value(), "1");
    QVERIFY(!project->back_up(path("source.longleaf")));
    QVERIFY(!project->back_up(path("nowhere") / "copy.longleaf"));
  }

  void every_older_version_is_brought_up_to_date_and_kept_as_a_copy_data() {
    QTest::addColumn<QString>("fixture");
    const QDir projects(LONGLEAF_SOURCE_DIR "/tests/app/projects");
    const QStringList fixtures = projects.entryList({"version-*.longleaf"}, QDir::Files);
    QVERIFY(!fixtures.isEmpty());
    for (const QString& name : fixtures) QTest::newRow(qPrintable(name)) << projects.filePath(name);
  }
  void every_older_version_is_brought_up_to_date_and_kept_as_a_copy() {
    QFETCH(QString, fixture);
    const auto file = path(QTest::currentDataTag());
    QVERIFY(QFile::copy(fixture, QString::fromStdString(file.string())));
    QFile::setPermissions(QString::fromStdString(file.string()), QFile::ReadOwner | QFile::WriteOwner);
    auto project = Project::open(file);
    QVERIFY2(project, project ? "" : project.error().message.c_str());
    const auto documents = *(*project)->documents();
    QCOMPARE(documents.size(), 3u);
    QCOMPARE((*project)->part_text((*project)->parts(documents[0].id)->at(0).id)->text, "The harbour closed in 1914. It opened again in 1921.\n");
    QCOMPARE((*project)->search("lantern", 10)->size(), 2u);
    QCOMPARE((*project)->runs()->at(0).question, "When did the harbour close?");
    QVERIFY(!(*project)->run_trace(1)->empty());
    QVERIFY((*project)->verify()->empty());
    QVERIFY((*project)->add_part(documents[0].id, page_number(2), page_saying("New text.")));
    const std::string tag = QTest::currentDataTag();
    QVERIFY(QFile::exists(QString::fromStdString(file.string() + "." + tag.substr(0, tag.find('.')))));
  }

  void a_project_killed_while_it_is_brought_up_to_date_is_old_or_new_and_whole() {
    const QString fixture = LONGLEAF_SOURCE_DIR "/tests/app/projects/version-1.longleaf";
    const auto file = path("migrating.longleaf");
    QVERIFY(QFile::copy(fixture, QString::fromStdString(file.string())));
    QFile::setPermissions(QString::fromStdString(file.string()), QFile::ReadOwner | QFile::WriteOwner);
    for (int kill = 0; kill < 25; ++kill) {
      const pid_t child = ::fork();
      if (child == 0) {
        (void)Project::open(file);
        ::_exit(0);
      }
      ::usleep(static_cast<useconds_t>(500 + 400 * kill));  // the moment of the kill is the point of this test
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    auto project = Project::open(file);
    QVERIFY2(project, project ? "" : project.error().message.c_str());
    QVERIFY((*project)->verify()->empty());
    QCOMPARE((*project)->documents()->size(), 3u);
  }

  void three_generations_of_backups_are_kept() {
    const auto file = path("generations.longleaf");
    auto project = *Project::open(file);
    for (const char* value : {"1", "2", "3", "4", "5"}) {
      QVERIFY(project->set_setting("a", value));
      QVERIFY(project->rotate_backups());
    }
    const auto kept = [&](int number) { return **(*Project::open(file.string() + ".backup-" + std::to_string(number), OpenMode::kReadOnly))->setting("a"); };
    QCOMPARE(kept(1), "5");
    QCOMPARE(kept(2), "4");
    QCOMPARE(kept(3), "3");
    QVERIFY(!QFile::exists(QString::fromStdString(file.string() + ".backup-4")));
  }

  void a_backup_is_made_by_itself_a_day_after_the_last_save() {
    const auto file = path("daily.longleaf");
    auto project = *Project::open(file);
    QVERIFY(project->save_run(Run{}, ""));
    QVERIFY(!QFile::exists(QString::fromStdString(file.string() + ".backup-1")));
    QVERIFY(project->set_setting("backups.since", "1000000000"));
    QVERIFY(project->save_run(Run{}, ""));
    QVERIFY(QFile::exists(QString::fromStdString(file.string() + ".backup-1")));
  }

  void definitions_are_found_by_the_beginning_of_their_name() {
    auto project = *Project::open(path("symbols.longleaf"));
    const DocumentId id = *project->add_document(report());
    const PartId part = *project->add_part(id, page_number(1), page_saying("int burn();"));
    QCOMPARE(project->parts_without_symbols(id)->size(), 1u);
    QVERIFY(project->set_symbols({{part, {{"burn_area", "function", "", 1, 1}, {"Burn", "class", "", 2, 9}, {"unburnt", "function", "Burn", 3, 3}}}}));
    QVERIFY(project->parts_without_symbols(id)->empty());
    QCOMPARE(project->symbols(part)->size(), 3u);
    const auto hits = *project->find_symbols("burn", 10);
    QCOMPARE(hits.size(), 2u);
    QCOMPARE(hits[0].symbol.name, "Burn");
    QCOMPARE(hits[0].symbol.last_line, 9);
    QVERIFY(project->remove_document(id));
    QVERIFY(project->find_symbols("burn", 10)->empty());
  }

  void compacting_gives_room_back() {
    const auto file = path("compact.longleaf");
    auto project = *Project::open(file);
    const DocumentId id = *project->add_document(report());
    for (int i = 1; i <= 40; ++i) QVERIFY(project->add_part(id, page_number(i), page_saying(std::string(20000, 'a' + i % 26))));
    QVERIFY(project->remove_document(id));
    QVERIFY(project->purge_removed());
    QVERIFY(project->compact());
    QVERIFY(std::filesystem::file_size(file) < 200'000);
  }

  void a_folder_is_no_project() { QCOMPARE(Project::open(folder_.path().toStdString()).error().code, ErrorCode::kInvalidInput); }

  void a_missing_file_is_not_made_when_only_reading() {
    QCOMPARE(Project::open(path("missing.longleaf"), OpenMode::kReadOnly).error().code, ErrorCode::kNotFound);
    QVERIFY(!std::filesystem::exists(path("missing.longleaf")));
  }
};

int main(int argc, char** argv) {
  const std::string role = argc == 3 ? argv[1] : "";
  if (role == "--second-program") {
    auto project = Project::open(argv[2]);
    const bool as_said = project && (*project)->read_only() && !(*project)->read_only_reason().empty() &&
                         (*project)->setting("a")->value() == "1" && !(*project)->set_setting("a", "3");
    return as_said ? 42 : 1;
  }
  if (role == "--die-writing") {
    auto project = *Project::open(argv[2]);
    if (!project->set_setting("saved", "yes")) return 1;
    ::kill(::getpid(), SIGKILL);
  }
  QCoreApplication application(argc, argv);
  ProjectTest test;
  return QTest::qExec(&test, argc, argv);
}

#include "project_test.moc"
