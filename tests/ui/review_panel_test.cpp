#include <QApplication>
#include <QListView>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/fake_engine.h"
#include "tests/support/small_project.h"
#include "tests/support/widget_walk.h"
#include "ui/conversation/conversation_panel.h"
#include "ui/conversation/conversation_view.h"
#include "ui/conversation/question_box.h"
#include "ui/page/code_view.h"
#include "ui/page/document_panel.h"
#include "ui/review/external_editor.h"
#include "ui/review/findings_panel.h"
#include "ui/review/question_list_dialog.h"
#include "ui/review/secret_watch.h"
#include "ui/review/templates_dialog.h"
#include "ui/review/templates_menu.h"
#include "ui/theme/system_scheme.h"
#include "ui/theme/tokens.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace.h"

/// Review: findings, templates, lists of questions, possible secrets; with an engine that says what the test wants.
class ReviewPanelTest : public QObject {
  Q_OBJECT

  struct Bench {
    QTemporaryDir folder;
    ui::Settings settings{std::filesystem::path()};
    ui::SystemScheme scheme;
    ui::Workspace workspace;
    ui::MainWindow window{workspace, settings, scheme};
    std::filesystem::path project() const { return folder.filePath("small.longleaf").toStdString(); }
  };

  static bool open(Bench& bench, const std::string& answer) {
    {
      auto project = app::Project::open(bench.project());
      if (!project) return false;
      support::add_document(**project, app::DocumentKind::kCodeTree, "tree",
                            {{"src/wind.cc", "int wind_speed(int gusts) {\n  return gusts * 2;\n}\n"},
                             {"src/key.cc", "// test data\nconst char* aws_key = \"AKIAIOSFODNN7EXAMPLE\";\n"}});
    }
    bench.workspace.open_engine([answer](const engine::LoadObserver&, std::stop_token) -> app::Result<std::unique_ptr<engine::Engine>> {
      auto engine = std::make_unique<fake::FakeEngine>();
      engine->fixed_answer = answer;
      return std::unique_ptr<engine::Engine>(std::move(engine));
    });
    bench.window.show();
    bench.window.open_project(bench.project());
    return QTest::qWaitFor([&] { return bench.workspace.obstacle().isEmpty() && bench.workspace.budget_is_exact(); });
  }

 private slots:
  void findings_of_an_answer_stand_in_the_panel_worst_first_and_open_at_their_lines() {
    Bench bench;
    QVERIFY(open(bench, "- [note] src/key.cc:1 says test data\n- [error] src/wind.cc:2 doubles the gusts: `return gusts * 2;`\n- [warning] src/gone.cc:7 is unsafe\n"));
    bench.window.set_layout(ui::Layout::kReview);
    bench.window.conversation().ask("Review the code.");
    ui::FindingsPanel& panel = bench.window.findings();
    QTRY_COMPARE(panel.list().rowCount(), 3);
    QVERIFY(panel.isVisible());
    QVERIFY2(panel.summary().contains("1 not found"), qPrintable(panel.summary()));
    QCOMPARE(panel.list().index(0).data(ui::FindingList::kPlaceRole).toString(), QString("src/wind.cc:2"));
    QCOMPARE(panel.list().index(0).data(ui::FindingList::kCheckedRole).toInt(), static_cast<int>(app::QuoteCheck::kVerified));
    panel.open_current();
    QTRY_COMPARE(bench.window.document().code()->marked_text(), QString("  return gusts * 2;"));
  }

  void a_list_of_questions_is_asked_one_after_the_other() {
    Bench bench;
    QVERIFY(open(bench, " all is well"));
    bench.window.conversation().ask_all({"One?", "Two?", "Three?"});
    QTRY_COMPARE(bench.window.conversation().questions(), (QStringList{"One?", "Two?", "Three?"}));
    QTRY_VERIFY(!bench.workspace.asker().running());
    QCOMPARE(bench.window.conversation().view()->last_turn()->answer(), std::string(" all is well"));
  }

  void a_template_cannot_be_asked_before_its_words_in_braces_are_filled_in() {
    Bench bench;
    QVERIFY(open(bench, " all is well"));
    ui::QuestionBox* box = bench.window.conversation().question_box();
    QSignalSpy asked(box, &ui::QuestionBox::asked);
    emit bench.window.conversation().templates()->chosen({"What is said about", "Report", "What is said about {subject}?"});
    QCOMPARE(box->edit()->textCursor().selectedText(), QString("{subject}"));
    QTest::keyClick(box->edit(), Qt::Key_Return);
    QCOMPARE(asked.size(), 0);
    box->edit()->insertPlainText("wind");
    QTest::keyClick(box->edit(), Qt::Key_Return);
    QCOMPARE(asked.size(), 1);
    QCOMPARE(asked.front().front().toString(), QString("What is said about wind?"));
  }

  void templates_are_kept_in_the_project() {
    Bench bench;
    QVERIFY(open(bench, " fine"));
    bench.window.conversation().templates()->save({{"Mine", "Own", "Say it."}});
    QTRY_COMPARE(bench.window.conversation().templates()->templates().size(), std::size_t{1});
    const auto project = app::Project::open(bench.project(), app::OpenMode::kReadOnly);
    QTRY_COMPARE(app::load_templates(**project)->front().name, std::string("Mine"));
  }

  void a_possible_secret_is_shown_until_its_file_is_left_out_or_allowed() {
    Bench bench;
    QVERIFY(open(bench, " fine"));
    ui::SecretWatch watch(bench.workspace.session());
    emit bench.workspace.session().documents_changed();
    QTRY_COMPARE(watch.among(bench.workspace.sources().ticked()).size(), std::size_t{1});
    const auto found = watch.among(bench.workspace.sources().ticked()).front();
    QCOMPARE(found.secrets.front().line, 2);
    QVERIFY(!QString::fromStdString(found.secrets.front().preview).contains("EXAMPLE"));
    watch.allow(found.part);
    QVERIFY(watch.among(bench.workspace.sources().ticked()).empty());
  }

  void an_editor_is_started_without_a_shell_and_only_for_files_of_the_tree() {
    const auto line = ui::editor_command_line("my-editor --at {file}:{line} --new", "/tmp/a b; rm -rf x.cc", 12);
    QCOMPARE(*line, (QStringList{"my-editor", "--at", "/tmp/a b; rm -rf x.cc:12", "--new"}));
    QTemporaryDir folder;
    QFile inside(folder.filePath("in.cc"));
    QVERIFY(inside.open(QIODevice::WriteOnly));
    app::Document document;
    document.kind = app::DocumentKind::kCodeTree;
    document.path = folder.path().toStdString();
    app::Part part;
    part.name = "in.cc";
    QVERIFY(ui::file_of_part(document, part).has_value());
    part.name = "../../../../../../etc/passwd";
    QVERIFY(!ui::file_of_part(document, part).has_value());
  }

  void every_control_of_the_review_has_a_name() {
    ui::TemplatesDialog templates(app::shipped_templates());
    ui::QuestionListDialog questions;
    int n_controls = 0;
    const QStringList in_templates = support::nameless_controls(templates, n_controls);
    QVERIFY2(in_templates.isEmpty(), qPrintable(in_templates.join(", ")));
    QVERIFY(n_controls > 6);
    const QStringList in_questions = support::nameless_controls(questions, n_controls);
    QVERIFY2(in_questions.isEmpty(), qPrintable(in_questions.join(", ")));
    QVERIFY(n_controls > 2);
  }
};

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  Q_INIT_RESOURCE(icons);
  ui::apply_theme(application, ui::Theme::kLight, false);
  ReviewPanelTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "review_panel_test.moc"
