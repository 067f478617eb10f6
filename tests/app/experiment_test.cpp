// A run asked again with passages pinned or muted: what that caused, measured on the small bundled network.
#include <QTemporaryDir>
#include <QTest>
#include <cmath>

#include "app/question/engine_thread.h"
#include "app/question/experiment.h"
#include "engine/base/log.h"
#include "tests/support/fake_engine.h"
#include "tests/support/small_project.h"

using namespace app;

namespace {

constexpr int kParts = 3;

std::string page(int number) {
  std::string text = "# Plots of sheet " + std::to_string(number);
  for (int i = 0; i < 12; ++i) text += "\nSentence " + std::to_string(i) + " of sheet " + std::to_string(number) + " names the budget of the well.";
  return text;
}

Question question_about(const Project& project) {
  Question question;
  question.prompt.question = "Which sentence names the budget?";
  const auto documents = project.documents();
  const auto parts = project.parts(documents->front().id);
  for (const Part& part : *parts) question.prompt.sources.parts.push_back(part.id);
  return question;
}

}  // namespace

class ExperimentTest : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir folder_;
  std::unique_ptr<Project> project_;

 private slots:
  void initTestCase() {
    engine::set_log_level(engine::LogLevel::kError);
    auto project = Project::open(folder_.filePath(QStringLiteral("p.longleaf")).toStdString());
    QVERIFY(project);
    project_ = std::move(*project);
    std::vector<std::pair<std::string, std::string>> pages;
    for (int i = 1; i <= kParts; ++i) pages.emplace_back(std::to_string(i), page(i));
    support::add_document(*project_, DocumentKind::kPdf, "report.pdf", pages);
  }

  void a_saved_run_gives_its_question_back() {
    fake::FakeEngine engine;
    fake::Recording observer;
    Question question = question_about(*project_);
    question.prompt.thinking = false;
    question.prompt.sources.detail[question.prompt.sources.parts[1]] = Detail::kName;
    question.selection.top_k = 40;
    const auto answer = ask(*project_, engine, question, observer, {});
    QVERIFY(answer);
    const auto again = asked_question(answer->run);
    QVERIFY(again);
    QCOMPARE(again->prompt.question, question.prompt.question);
    QCOMPARE(again->prompt.sources.parts, question.prompt.sources.parts);
    QVERIFY(again->prompt.sources.detail == question.prompt.sources.detail);
    QCOMPARE(again->selection.top_k, 40);
    QVERIFY(!again->prompt.thinking);
    Run damaged = answer->run;
    damaged.settings_json = "{\"sources\":7}";
    QVERIFY(asked_question(damaged).error().code == ErrorCode::kCorrupt);
  }

  void muting_what_the_answer_read_changes_its_probability_and_muting_nothing_does_not() {
    const std::filesystem::path source = LONGLEAF_SOURCE_DIR;
    engine::LocalEngineOptions options;
    options.device = engine::Device::kCpu;
    const auto engine = engine::open_local_engine(source / "resources/models/starter", options);
    QVERIFY2(engine, engine ? "" : engine.error().message.c_str());
    const auto tokenizer = (*engine)->tokenizer();
    PromptBuilder builder(*project_, *tokenizer, (*engine)->layout(), (*engine)->info().context_length);
    fake::Recording observer;
    Question question = question_about(*project_);
    question.prompt.reserve = 24;
    auto answer = answer_question(*project_, **engine, builder, question, observer, {});
    QVERIFY2(answer, answer ? "" : answer.error().message.c_str());
    QVERIFY(save_answer(*project_, *answer));
    const auto asked = asked_question(answer->run);
    QVERIFY(asked);

    const auto same = run_experiment(*project_, **engine, builder, answer->run, asked->selection, observer, {});
    QVERIFY2(same, same ? "" : same.error().message.c_str());
    QCOMPARE(same->n_changed(), 0);
    QVERIFY2(std::abs(same->log_probability_change()) < 1e-3, qPrintable(QString::number(same->log_probability_change())));
    QCOMPARE(same->base.answer, answer->generation.answer);

    engine::SelectionOptions muted = asked->selection;
    const auto ranges = ranges_of(*same->base.trace, {"report.pdf, p. 1", "report.pdf, p. 2", "report.pdf, p. 3"});
    QVERIFY2(ranges, ranges ? "" : ranges.error().message.c_str());
    muted.muted = *ranges;
    const auto without = run_experiment(*project_, **engine, builder, answer->run, muted, observer, {});
    QVERIFY2(without, without ? "" : without.error().message.c_str());
    QVERIFY2(std::abs(without->log_probability_change()) > 0.5, qPrintable(QString::number(without->log_probability_change())));
    QCOMPARE(without->other_log_probability.size(), without->base.token_texts.size());
    const std::string table = experiment_csv(*without);
    QCOMPARE(static_cast<std::size_t>(std::ranges::count(table, '\n')), without->base.token_texts.size() + 1);

    engine::SelectionOptions few = asked->selection;
    few.top_k = 16;
    const auto with_few = run_experiment(*project_, **engine, builder, answer->run, few, observer, {});
    QVERIFY(with_few);
    QCOMPARE(with_few->other.recall.size(), std::size_t{4});
    QVERIFY(with_few->other.mean_recall() < with_few->base.mean_recall());
    engine::SelectionOptions dense;
    dense.mode = engine::SelectionMode::kDense;
    const auto all = run_experiment(*project_, **engine, builder, answer->run, dense, observer, {});
    QVERIFY(all);
    QCOMPARE(all->other.mean_recall(), 1.0);
  }

  void a_passage_that_is_not_there_is_named() {
    const auto runs = project_->runs();
    QVERIFY(!runs->empty());
    const auto trace = load_run_trace(*project_, runs->front().id);
    QVERIFY(trace);
    QVERIFY(ranges_of(**trace, {"nowhere.pdf, p. 9"}).error().message.find("nowhere.pdf, p. 9") != std::string::npos);
    const auto one = ranges_of(**trace, {std::to_string((*trace)->map.blocks.back().anchor)});
    QVERIFY(one);
    QCOMPARE(one->size(), std::size_t{1});
    QCOMPARE(one->front().end, (*trace)->map.blocks.back().last_token);
  }

  void changed_sources_are_told_and_nothing_is_compared() {
    fake::FakeEngine engine;
    fake::Recording observer;
    const auto answer = ask(*project_, engine, question_about(*project_), observer, {});
    QVERIFY(answer);
    Run run = answer->run;
    run.question += " Really?";
    const auto tokenizer = engine.tokenizer();
    PromptBuilder builder(*project_, *tokenizer, engine.layout(), engine.info().context_length);
    const auto refused = run_experiment(*project_, engine, builder, run, {}, observer, {});
    QVERIFY(!refused && refused.error().code == ErrorCode::kNotFound);
  }
};

QTEST_GUILESS_MAIN(ExperimentTest)
#include "experiment_test.moc"
