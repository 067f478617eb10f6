#include <QApplication>
#include <QDockWidget>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/fake_engine.h"
#include "tests/support/small_project.h"
#include "tests/support/widget_walk.h"
#include "ui/conversation/answer_text.h"
#include "ui/conversation/conversation_panel.h"
#include "ui/conversation/conversation_view.h"
#include "ui/conversation/prompt_view.h"
#include "ui/conversation/question_box.h"
#include "ui/page/code_view.h"
#include "ui/page/document_panel.h"
#include "ui/review/secret_watch.h"
#include "ui/review/secrets_dialog.h"
#include "ui/sources/context_meter.h"
#include "ui/theme/system_scheme.h"
#include "ui/theme/tokens.h"
#include "ui/trace/trace_panel.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace.h"

/// The whole window with a small project and an engine that answers by plain search.
class WindowTest : public QObject {
  Q_OBJECT

 private:
  struct Bench {
    QTemporaryDir folder;
    ui::Settings settings{std::filesystem::path()};
    ui::SystemScheme scheme;
    ui::Workspace workspace;
    ui::MainWindow window{workspace, settings, scheme};

    std::filesystem::path project() const { return folder.filePath("small.longleaf").toStdString(); }
  };

  /// Opens a project with a report and two files, and loads the fake engine.
  static bool open(Bench& bench, std::function<void(fake::FakeEngine&)> change = {}) {
    {
      auto project = app::Project::open(bench.project());
      if (!project) return false;
      support::add_document(**project, app::DocumentKind::kCodeTree, "tree",
                            {{"src/lake.cc", "int level = 4;\nint bridge_closed_days = 19;\n"}, {"src/rain.cc", "double rain_of_may = 1.5;\n"}});
    }
    bench.workspace.open_engine([change](const engine::LoadObserver&, std::stop_token) -> app::Result<std::unique_ptr<engine::Engine>> {
      auto engine = std::make_unique<fake::FakeEngine>();
      if (change) change(*engine);
      return std::unique_ptr<engine::Engine>(std::move(engine));
    });
    bench.window.show();
    bench.window.open_project(bench.project());
    return QTest::qWaitFor([&] { return bench.workspace.obstacle().isEmpty() && bench.workspace.budget_is_exact(); });
  }

 private slots:
  void a_question_gets_an_answer_whose_chip_opens_the_file_at_the_words();
  void stop_ends_a_run_and_keeps_what_was_said();
  void a_stopped_answer_goes_on_where_it_was();
  void the_prompt_of_an_older_run_can_be_shown_again();
  void the_selection_is_shown_and_a_clicked_word_chooses_its_token();
  void the_conversation_is_there_again_after_a_restart();
  void a_removed_answer_comes_back_with_undo();
  void selected_lines_become_the_only_source_and_undo_brings_the_file_back();
  void a_question_about_the_selection_names_its_words_and_place();
  void thinking_is_held_to_the_chosen_number_of_tokens();
  void a_layout_of_the_last_start_shows_its_own_panels_and_no_others();
  void every_layout_fits_a_small_screen();
  void choosing_sources_can_be_undone();
  void over_the_limit_the_meter_says_by_how_much_and_asking_is_refused();
  void every_control_can_be_reached_by_keyboard_and_has_a_name();
  void every_command_has_a_name_and_no_two_share_a_shortcut();
  void text_colours_have_enough_contrast_in_every_theme();
};

void WindowTest::a_question_gets_an_answer_whose_chip_opens_the_file_at_the_words() {
  Bench bench;
  QVERIFY(open(bench));
  QSignalSpy finished(&bench.workspace.asker(), &ui::AskController::finished);
  ui::QuestionBox* box = bench.window.conversation().question_box();
  QTest::keyClicks(box->edit(), "How many days was the bridge closed?");
  QTest::keyClick(box->edit(), Qt::Key_Return);
  QVERIFY(finished.wait());
  const ui::TurnView* turn = bench.window.conversation().view()->last_turn();
  QVERIFY(turn->answer().find("bridge_closed_days") != std::string::npos);
  QVERIFY(!turn->citations().empty());
  const app::Citation& citation = turn->citations().back();
  QCOMPARE(QString::fromStdString(citation.label).section(':', 0, 0), QString("src/lake.cc"));
  emit turn->answer_text()->chip_clicked(static_cast<int>(turn->citations().size()) - 1);
  QTRY_COMPARE(bench.window.document().current_part(), citation.part);
  QTRY_COMPARE(bench.window.document().code()->n_lines(), 2);
}

void WindowTest::stop_ends_a_run_and_keeps_what_was_said() {
  Bench bench;
  std::atomic<bool> said_three = false;
  std::atomic<bool> go_on = false;
  QVERIFY(open(bench, [&](fake::FakeEngine& engine) {
    engine.fixed_answer = " one two three four five six seven eight nine ten";
    engine.after_token = [&](std::int64_t n) {
      if (n != 5) return;
      said_three = true;
      said_three.notify_all();
      go_on.wait(false);
    };
  }));
  QSignalSpy finished(&bench.workspace.asker(), &ui::AskController::finished);
  bench.window.conversation().ask("Count.");
  QTRY_VERIFY(said_three.load());
  emit bench.window.conversation().question_box()->stopped();
  go_on = true;
  go_on.notify_all();
  QVERIFY(finished.wait());
  const ui::TurnView* turn = bench.window.conversation().view()->last_turn();
  QCOMPARE(bench.workspace.asker().run().end, std::string("cancelled"));
  QVERIFY(turn->answer().find("ten") == std::string::npos);
  QVERIFY(turn->answer().find("one") != std::string::npos);
}

void WindowTest::a_stopped_answer_goes_on_where_it_was() {
  Bench bench;
  std::atomic<int> said = 0;
  std::atomic<bool> go_on = false;
  QVERIFY(open(bench, [&](fake::FakeEngine& engine) {
    engine.fixed_answer = " one two three four five six";
    engine.after_token = [&](std::int64_t n) {
      said = static_cast<int>(n);
      if (n == 5) go_on.wait(false);
    };
  }));
  QSignalSpy finished(&bench.workspace.asker(), &ui::AskController::finished);
  bench.window.conversation().ask("Count.");
  QTRY_VERIFY(said.load() == 5);
  emit bench.window.conversation().question_box()->stopped();
  go_on = true;
  go_on.notify_all();
  QVERIFY(finished.wait());
  ui::TurnView* turn = bench.window.conversation().view()->last_turn();
  const std::string first = turn->answer();
  QVERIFY(!first.empty() && first.find("six") == std::string::npos);
  emit turn->continue_requested();
  QVERIFY(finished.wait());
  turn = bench.window.conversation().view()->last_turn();
  QCOMPARE(bench.window.conversation().view()->n_turns(), 1);
  QVERIFY(turn->answer().starts_with(first));
  QVERIFY(turn->answer().find("six") != std::string::npos);
  QCOMPARE(turn->question(), QString("Count."));
}

void WindowTest::the_prompt_of_an_older_run_can_be_shown_again() {
  Bench bench;
  QVERIFY(open(bench));
  QSignalSpy finished(&bench.workspace.asker(), &ui::AskController::finished);
  bench.window.conversation().ask("What is the rain of May?");
  QVERIFY(finished.wait());
  const std::string sent = bench.workspace.prompt()->text;
  const app::RunId run = bench.window.conversation().view()->last_turn()->run_id();
  bench.workspace.sources().set_ticked({});
  std::string again;
  bench.workspace.rebuild_prompt(run, &bench.window, [&](app::Result<std::shared_ptr<app::Prompt>> prompt) {
    if (prompt) again = (*prompt)->text;
  });
  QTRY_COMPARE(again, sent);
}

void WindowTest::the_selection_is_shown_and_a_clicked_word_chooses_its_token() {
  Bench bench;
  QVERIFY(open(bench));
  QSignalSpy traced(&bench.workspace, &ui::Workspace::trace_ready);
  bench.window.conversation().ask("How many days was the bridge closed?");
  QTRY_VERIFY(bench.workspace.trace() != nullptr);
  QCOMPARE(bench.window.trace().run(), bench.workspace.trace());
  ui::TurnView* turn = bench.window.conversation().view()->last_turn();
  QTRY_VERIFY(turn->run_id() != 0);
  QSignalSpy clicked(&bench.window.conversation(), &ui::ConversationPanel::token_clicked);
  emit turn->answer_byte_clicked(static_cast<std::uint32_t>(turn->answer().find("bridge")));
  QCOMPARE(clicked.size(), 1);
  const auto token = static_cast<std::size_t>(clicked.front().front().toLongLong());
  QVERIFY(bench.workspace.trace()->token_texts[token].find("bridge") != std::string::npos);
}

void WindowTest::the_conversation_is_there_again_after_a_restart() {
  Bench bench;
  QVERIFY(open(bench));
  QSignalSpy finished(&bench.workspace.asker(), &ui::AskController::finished);
  bench.window.conversation().ask("What is the rain of May?");
  QVERIFY(finished.wait());
  bench.workspace.session().open(bench.project());
  QTRY_COMPARE(bench.window.conversation().view()->n_turns(), 1);
  QCOMPARE(bench.window.conversation().view()->last_turn()->question(), QString("What is the rain of May?"));
  QTRY_VERIFY(bench.workspace.trace() != nullptr);
}

void WindowTest::a_removed_answer_comes_back_with_undo() {
  Bench bench;
  QVERIFY(open(bench));
  QSignalSpy finished(&bench.workspace.asker(), &ui::AskController::finished);
  ui::ConversationPanel& conversation = bench.window.conversation();
  for (const char* question : {"How many days was the bridge closed?", "What is the rain of May?"}) {
    conversation.ask(question);
    QVERIFY(finished.wait());
  }
  emit conversation.view()->last_turn()->remove_requested();
  QCOMPARE(conversation.questions(), QStringList{"How many days was the bridge closed?"});
  bench.workspace.undo().undo();
  QTRY_COMPARE(conversation.questions().size(), 2);
  QCOMPARE(conversation.questions().last(), QString("What is the rain of May?"));
  conversation.new_conversation();
  QVERIFY(conversation.empty());
  bench.workspace.undo().undo();
  QTRY_COMPARE(conversation.questions().size(), 2);
}

void WindowTest::selected_lines_become_the_only_source_and_undo_brings_the_file_back() {
  Bench bench;
  QVERIFY(open(bench));
  const app::PartId lake = bench.workspace.sources().ticked().front();
  bench.window.document().open(lake);
  QTRY_COMPARE(bench.window.document().code()->n_lines(), 2);
  const std::int64_t whole = bench.workspace.budget().sources;
  bench.window.document().code()->select_bytes(2, 6);
  bench.window.document().choose_selection();
  const app::SourceChoice chosen = bench.workspace.make_question("Why?").prompt.sources;
  QVERIFY((chosen.passages == std::map<app::PartId, app::Passages>{{lake, {{2, 6}}}}));
  QTRY_VERIFY(bench.workspace.budget_is_exact() && bench.workspace.budget().sources < whole);
  bench.workspace.undo().undo();
  QVERIFY(bench.workspace.make_question("Why?").prompt.sources.passages.empty());
}

void WindowTest::a_question_about_the_selection_names_its_words_and_place() {
  Bench bench;
  QVERIFY(open(bench));
  bench.window.document().open(bench.workspace.sources().ticked().front());
  QTRY_COMPARE(bench.window.document().code()->n_lines(), 2);
  bench.window.document().ask_about_selection();
  QVERIFY(bench.window.conversation().question_box()->text().isEmpty());
  bench.window.document().code()->select_bytes(4, 9);
  bench.window.document().ask_about_selection();
  QCOMPARE(bench.window.conversation().question_box()->text(), QString("About “level” (src/lake.cc:1): "));
}

void WindowTest::thinking_is_held_to_the_chosen_number_of_tokens() {
  Bench bench;
  QVERIFY(open(bench));
  bench.workspace.set_max_thinking(1);
  QSignalSpy finished(&bench.workspace.asker(), &ui::AskController::finished);
  bench.window.conversation().ask("How many days was the bridge closed?");
  QVERIFY(finished.wait());
  QCOMPARE(bench.workspace.asker().run().thinking, std::string(" Looking"));
  QVERIFY(!bench.workspace.asker().run().answer.empty());
}

void WindowTest::a_layout_of_the_last_start_shows_its_own_panels_and_no_others() {
  QTemporaryDir folder;
  ui::SystemScheme scheme;
  const auto shown = [](const ui::MainWindow& window) {
    QStringList names;
    for (const QDockWidget* dock : window.findChildren<QDockWidget*>()) {
      if (dock->isVisible()) names << dock->objectName();
    }
    names.sort();
    return names;
  };
  for (int start = 0; start < 2; ++start) {
    ui::Settings settings(folder.filePath("window.ini").toStdString());
    ui::Workspace workspace;
    ui::MainWindow window(workspace, settings, scheme);
    window.show();
    QCOMPARE(shown(window), (QStringList{"conversation", "page", "sources"}));
    window.set_layout(ui::Layout::kReview);
    QCOMPARE(shown(window), (QStringList{"conversation", "findings", "page", "sources"}));
    window.set_layout(ui::Layout::kInspect);
    QCOMPARE(shown(window), (QStringList{"conversation", "map", "sources"}));
    window.set_layout(ui::Layout::kRead);
    window.close();
  }
}

void WindowTest::every_layout_fits_a_small_screen() {
  Bench bench;
  QVERIFY(open(bench));
  for (const ui::Layout layout : {ui::Layout::kRead, ui::Layout::kReview, ui::Layout::kInspect}) {
    bench.window.set_layout(layout);
    const QSize least = bench.window.minimumSizeHint();
    QVERIFY2(least.width() <= 1240 && least.height() <= 720, qPrintable(QString("%1: %2 x %3").arg(static_cast<int>(layout)).arg(least.width()).arg(least.height())));
  }
}

void WindowTest::choosing_sources_can_be_undone() {
  Bench bench;
  QVERIFY(open(bench));
  ui::SourceModel& sources = bench.workspace.sources();
  QCOMPARE(sources.ticked().size(), std::size_t(2));
  sources.setData(sources.index(0, 0), Qt::Unchecked, Qt::CheckStateRole);
  QVERIFY(sources.ticked().empty());
  QVERIFY(!bench.workspace.obstacle().isEmpty());
  bench.workspace.undo().undo();
  QCOMPARE(sources.ticked().size(), std::size_t(2));
  bench.workspace.undo().redo();
  QVERIFY(sources.ticked().empty());
}

void WindowTest::over_the_limit_the_meter_says_by_how_much_and_asking_is_refused() {
  ui::ContextMeter meter;
  app::TokenBudget budget;
  budget.limit = 1000;
  budget.sources = 1400;
  budget.reserve = 100;
  meter.set_model(1000, 0);
  meter.set_sources({{1, "small.pdf", 300, 3, true}, {2, "large.pdf", 1100, 9, true}});
  meter.set_budget(budget, true);
  QVERIFY(meter.sentence().contains("500 tokens over the limit"));
  QVERIFY(meter.sentence().contains("large.pdf"));
}

void WindowTest::every_control_can_be_reached_by_keyboard_and_has_a_name() {
  Bench bench;
  QVERIFY(open(bench));
  int n_controls = 0;
  const QStringList nameless = support::nameless_controls(bench.window, n_controls);
  QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join(", ")));
  QVERIFY(n_controls > 20);
  // Dialogs that need the window's parts; settings, models, templates and comparison have their walks beside their tests.
  ui::SecretWatch watch(bench.workspace.session());
  const ui::SecretsDialog secrets(bench.workspace.session(), bench.workspace.sources(), watch, false);
  const ui::PromptView prompt;
  for (const QWidget* dialog : {static_cast<const QWidget*>(&secrets), static_cast<const QWidget*>(&prompt)}) {
    const QStringList in_dialog = support::nameless_controls(*dialog, n_controls);
    QVERIFY2(in_dialog.isEmpty(), qPrintable(in_dialog.join(", ")));
    QVERIFY(n_controls > 0);
  }
}

void WindowTest::every_command_has_a_name_and_no_two_share_a_shortcut() {
  Bench bench;
  QHash<QString, QString> taken;
  for (const QAction* action : bench.window.commands()) {
    QVERIFY(!action->text().isEmpty());
    QVERIFY(!action->objectName().isEmpty());
    const QString keys = action->shortcut().toString();
    if (keys.isEmpty()) continue;
    QVERIFY2(!taken.contains(keys), qPrintable(keys + ": " + taken.value(keys) + " and " + action->objectName()));
    taken.insert(keys, action->objectName());
  }
  QVERIFY(taken.size() > 8);
}

void WindowTest::text_colours_have_enough_contrast_in_every_theme() {
  for (const ui::Theme theme : {ui::Theme::kLight, ui::Theme::kDark, ui::Theme::kHighContrast}) {
    for (const bool dark : {false, true}) {
      ui::apply_theme(*qApp, theme, dark);
      const ui::Tokens& t = ui::tokens();
      for (const QColor& text : {t.ink, t.ink_soft, t.pine, t.amber, t.brick, t.sky}) {
        QVERIFY2(ui::contrast(text, t.paper) >= 4.5, qPrintable(text.name()));
        QVERIFY2(ui::contrast(text, t.desk) >= 4.5, qPrintable(text.name()));
      }
      QVERIFY(ui::contrast(t.on_pine, t.pine) >= 4.5);
      QVERIFY(ui::contrast(t.ink, t.pine_wash) >= 4.5);
    }
  }
}

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  Q_INIT_RESOURCE(icons);
  ui::apply_theme(application, ui::Theme::kLight, false);
  WindowTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "window_test.moc"
