#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTest>

#include "tests/support/widget_walk.h"
#include "ui/conversation/conversation_tree.h"
#include "ui/runs/run_history_dialog.h"
#include "ui/sources/source_model.h"
#include "ui/theme/tokens.h"

/// The table of runs, with runs that the test made up.
class RunHistoryTest : public QObject {
  Q_OBJECT

  static app::Run run(app::RunId id, const char* question, const char* answer, std::int64_t n_prompt) {
    app::Run run;
    run.id = id;
    run.asked_at = "2026-11-0" + std::to_string(id) + "T10:00:00Z";
    run.question = question;
    run.answer = answer;
    run.end = id == 2 ? "length" : "end";
    run.model = "Longleaf Finder 64e693d0";
    run.settings_json = R"({"version":1,"program":"0.1.0","model":{"name":"Longleaf Finder","hash":"64e693d0fbe5b2818765","architecture":"deepseek_v32","device":"CPU, 2 threads","context":131072},
      "layout":"finder","thinking":true,"reserve":1024,"sampling":{"temperature":0.0,"top_p":1.0,"seed":0,"quote_constraint":true},
      "selection":{"mode":"indexer","top_k":256,"keep":false,"window":256},"sources":[[1,"full"],[2,"outline"]],"earlier":[]})";
    run.n_prompt_tokens = n_prompt;
    run.n_generated_tokens = 90;
    run.prefill_seconds = 2.5;
    run.decode_seconds = 1.0;
    return run;
  }
  static std::vector<app::Run> three() {
    return {run(3, "Which burns were late?", "Two of them. Compartment 11 was burned on 3 May.", 34000), run(2, "What did the firebreaks cost?", "41,300 dollars", 9000),
            run(1, "Who owns compartment 11?", "The Tolliver trust.", 120000)};
  }
  static void nothing_recorded(app::RunId, const std::function<void(app::Result<app::RunCoverage>)>& deliver) {
    deliver(app::Error{app::ErrorCode::kNotFound, "This run was not recorded."});
  }

 private slots:
  void runs_are_sorted_by_numbers_and_found_by_words_of_their_answers() {
    ui::RunHistoryDialog dialog(three(), nothing_recorded);
    const QAbstractItemModel* shown = dialog.table()->model();
    QCOMPARE(shown->rowCount(), 3);
    QCOMPARE(shown->index(0, ui::RunList::kNumber).data().toString(), QString("3"));
    dialog.table()->sortByColumn(ui::RunList::kPrompt, Qt::DescendingOrder);
    QCOMPARE(shown->index(0, ui::RunList::kPrompt).data().toString(), ui::grouped(120000));
    QCOMPARE(shown->index(2, ui::RunList::kPrompt).data().toString(), ui::grouped(9000));
    dialog.words()->setText("compartment tolliver");
    QCOMPARE(shown->rowCount(), 1);
    QCOMPARE(shown->index(0, ui::RunList::kNumber).data().toString(), QString("1"));
    dialog.words()->setText("nobody wrote this");
    QCOMPARE(shown->rowCount(), 0);
    QVERIFY(dialog.sheet_text().isEmpty());
  }

  void the_chosen_run_says_how_it_was_asked_and_what_it_consulted() {
    ui::RunHistoryDialog dialog(three(), [](app::RunId id, const std::function<void(app::Result<app::RunCoverage>)>& deliver) {
      app::RunCoverage coverage;
      coverage.sparse = true;
      coverage.n_parts = 40;
      coverage.n_consulted = id == 3 ? 12 : 1;
      coverage.n_tokens = 30000;
      coverage.n_unread_tokens = 21000;
      coverage.recall = 0.976;
      deliver(coverage);
    });
    const QString sheet = dialog.sheet_text();
    for (const char* line : {"Model: Longleaf Finder", "Selection: indexer, top 256", ", 1 of them shortened", "quotes held to the sources", "Consulted: 12 of 40 pages", "of dense attention kept", "97.6 %"}) {
      QVERIFY2(sheet.contains(QString::fromUtf8(line)), qPrintable(line + QString(" is not in\n") + sheet));
    }
    dialog.table()->selectRow(1);
    QVERIFY(dialog.sheet_text().contains("Consulted: 1 of 40"));
    QVERIFY(dialog.sheet_text().contains("Ended: reserve used up"));
  }

  void one_run_opens_and_two_are_compared() {
    ui::RunHistoryDialog dialog(three(), nothing_recorded);
    QSignalSpy opened(&dialog, &ui::RunHistoryDialog::run_activated);
    QSignalSpy compared(&dialog, &ui::RunHistoryDialog::compare_requested);
    QPushButton* open = nullptr;
    QPushButton* compare = nullptr;
    for (QPushButton* button : dialog.findChildren<QPushButton*>()) {
      if (button->text() == "Open") open = button;
      if (button->text() == "Compare") compare = button;
    }
    QVERIFY(open->isEnabled() && !compare->isEnabled());
    open->click();
    QCOMPARE(opened.at(0).at(0).toLongLong(), 3);
    dialog.table()->selectionModel()->select(dialog.table()->model()->index(2, 0), QItemSelectionModel::Select | QItemSelectionModel::Rows);
    QVERIFY(!open->isEnabled() && compare->isEnabled());
    compare->click();
    QCOMPARE(compared.size(), 1);
    QCOMPARE(compared.at(0).at(0).toLongLong() + compared.at(0).at(1).toLongLong(), 4);
    int n = 0;
    QCOMPARE(support::nameless_controls(dialog, n), QStringList());
    QVERIFY(n >= 6);
  }

  void a_conversation_opens_the_branch_of_a_run() {
    ui::ConversationTree tree;
    const int first = tree.add(-1, 1);
    const int second = tree.add(first, 2);
    tree.add(first, 3);
    tree.add(-1, 4);
    QVERIFY(tree.open(2));
    QCOMPARE(tree.branch(), (std::vector<int>{first, second}));
    QVERIFY(!tree.open(9));
    QCOMPARE(tree.branch(), (std::vector<int>{first, second}));
  }

  void looks_right_in_light_and_dark() {
    const QString folder = qEnvironmentVariable("LONGLEAF_PICTURES");
    for (const ui::Theme theme : {ui::Theme::kLight, ui::Theme::kDark}) {
      ui::apply_theme(*qApp, theme, false);
      ui::RunHistoryDialog dialog(three(), nothing_recorded);
      dialog.show();
      QVERIFY(QTest::qWaitForWindowExposed(&dialog));
      const QImage image = dialog.grab().toImage();
      QVERIFY(image.width() >= 1000);
      if (!folder.isEmpty()) image.save(folder + (theme == ui::Theme::kDark ? "/runs-dark.png" : "/runs-light.png"));
    }
  }
};

QTEST_MAIN(RunHistoryTest)
#include "run_history_test.moc"
