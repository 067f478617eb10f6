#include <QTemporaryDir>
#include <QTest>

#include "app/question/ask.h"
#include "app/question/run_facts.h"
#include "app/question/source_selection.h"
#include "tests/support/fake_engine.h"
#include "tests/support/small_project.h"

using namespace app;

class RunFactsTest : public QObject {
  Q_OBJECT

  static Run run_of(const std::string& question, const std::string& answer, const std::string& thinking) {
    Run run;
    run.id = 7;
    run.question = question;
    run.answer = answer;
    run.thinking = thinking;
    return run;
  }

 private slots:
  void runs_are_found_by_words_of_question_answer_and_thinking_in_any_case() {
    const Run run = run_of("Wer zahlt die ÉTUDES?", "The owner pays.", "I look for costs.");
    QVERIFY(RunFilter("").matches(run));
    QVERIFY(RunFilter("  études OWNER costs ").matches(run));
    QVERIFY(RunFilter("zahlt").matches(run));
    QVERIFY(!RunFilter("owner tenant").matches(run));
    QVERIFY(RunFilter("\xff").matches(run_of("\xff", "", "")));
  }

  void a_saved_run_says_how_it_was_asked_and_what_it_took() {
    QTemporaryDir folder;
    auto project = support::small_project((folder.path() + "/p.longleaf").toStdString());
    fake::FakeEngine engine;
    engine.fixed_answer = "The firebreaks cost 41,300 dollars in total. [p5]";
    Question question;
    question.prompt.question = "What did the firebreaks cost?";
    question.prompt.sources.parts = *select_parts(*project, {});
    question.selection.mode = engine::SelectionMode::kBlocks;
    question.selection.top_k = 64;
    fake::Recording listener;
    const auto answer = ask(*project, engine, question, listener, {});
    QVERIFY(answer.has_value());
    const auto runs = project->runs();
    QCOMPARE(runs->size(), std::size_t{1});
    const auto facts = run_facts(runs->front());
    QVERIFY(facts.has_value());
    QCOMPARE(facts->model, engine.info().name);
    QCOMPARE(facts->selection_mode, std::string("blocks"));
    QCOMPARE(facts->top_k, 64);
    QCOMPARE(facts->n_sources, 4);
    QCOMPARE(facts->n_shortened, 0);
    const std::string table = runs_csv(*runs);
    QCOMPARE(std::count(table.begin(), table.end(), '\n'), 2);
    QVERIFY2(table.find("What did the firebreaks cost?") != std::string::npos, table.c_str());
    QVERIFY2(table.find(",blocks,64,") != std::string::npos, table.c_str());
  }

  void rates_count_only_what_was_computed() {
    Run run = run_of("q", "a", "");
    run.n_prompt_tokens = 1000;
    run.n_cached_tokens = 600;
    run.prefill_seconds = 2;
    run.n_generated_tokens = 30;
    run.decode_seconds = 3;
    QCOMPARE(prefill_rate(run), 200.0);
    QCOMPARE(decode_rate(run), 10.0);
    run.n_cached_tokens = 1000;
    run.decode_seconds = 0;
    QCOMPARE(prefill_rate(run), 0.0);
    QCOMPARE(decode_rate(run), 0.0);
  }

  void settings_that_cannot_be_read_are_an_error_and_not_a_crash_data() {
    QTest::addColumn<QString>("settings");
    for (const char* one : {"", "null", "[]", "{\"model\":3}", "{\"model\":{},\"sampling\":{},\"selection\":{\"top_k\":\"many\"}}", "{\"model\":{},\"sampling\":{},\"selection\":{},\"sources\":[1]}"}) {
      QTest::newRow(one) << QString::fromUtf8(one);
    }
  }
  void settings_that_cannot_be_read_are_an_error_and_not_a_crash() {
    QFETCH(QString, settings);
    Run run = run_of("q", "a", "");
    run.settings_json = settings.toStdString();
    const auto facts = run_facts(run);
    QVERIFY(!facts.has_value());
    QVERIFY(facts.error().message.find("run 7") != std::string::npos);
    QVERIFY(runs_csv({run}).substr(runs_csv({}).size()).starts_with("7,,\"q\","));
  }
};

QTEST_GUILESS_MAIN(RunFactsTest)
#include "run_facts_test.moc"
