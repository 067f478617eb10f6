#include <QTemporaryDir>
#include <QTest>

#include <future>

#include "app/question/ask.h"
#include "app/question/engine_thread.h"
#include "app/question/run_question.h"
#include "app/question/source_selection.h"
#include "engine/trace/trace_file.h"
#include "tests/support/fake_engine.h"
#include "tests/support/small_project.h"

using namespace app;

class AskTest : public QObject {
  Q_OBJECT

  QTemporaryDir folder_;
  std::filesystem::path path_;
  std::unique_ptr<Project> project_;

  Question question(const std::string& words) {
    Question asked;
    asked.prompt.question = words;
    asked.prompt.sources.parts = *select_parts(*project_, {});
    return asked;
  }

  static EngineThread::Opener fake_opener(std::function<void(std::int64_t)> after_token = {}) {
    return [after_token](const engine::LoadObserver&, std::stop_token) -> Result<std::unique_ptr<engine::Engine>> {
      auto engine = std::make_unique<fake::FakeEngine>();
      engine->after_token = after_token;
      return std::unique_ptr<engine::Engine>(std::move(engine));
    };
  }

 private slots:
  void init() {
    path_ = (folder_.path() + "/" + QTest::currentTestFunction() + ".longleaf").toStdString();
    project_ = support::small_project(path_);
  }

  void a_question_ends_as_a_saved_run_with_a_verified_citation() {
    fake::FakeEngine engine;
    fake::Recording heard;
    const auto answer = ask(*project_, engine, question("How many dollars did the firebreaks cost?"), heard, {});
    QVERIFY2(answer.has_value(), answer ? "" : answer.error().message.c_str());
    QCOMPARE(answer->run.answer, std::string("The firebreaks cost 41,300 dollars in total. [p5]"));
    QCOMPARE(heard.answer, answer->run.answer);
    QCOMPARE(heard.thinking, answer->run.thinking);
    QCOMPARE(answer->citations.size(), std::size_t{1});
    QVERIFY(answer->citations[0].check == QuoteCheck::kVerified);
    QCOMPARE(answer->citations[0].label, std::string("report.pdf, p. 2"));

    const auto saved = project_->run(answer->run.id);
    QVERIFY(saved.has_value());
    QCOMPARE(saved->answer, answer->run.answer);
    QCOMPARE(saved->end, std::string("end"));
    QCOMPARE(saved->n_prompt_tokens, answer->prompt.map.n_tokens);
    QVERIFY(PromptMap::from_json(saved->prompt_map_json).has_value());
    const auto bytes = project_->run_trace(answer->run.id);
    QVERIFY(bytes.has_value());
    const auto trace = engine::trace_from_bytes(*bytes);
    QVERIFY(trace.has_value());
    QCOMPARE(trace->trace.n_generated, saved->n_generated_tokens);
    QCOMPARE(trace->sources_json, saved->prompt_map_json);
  }

  void thinking_ends_at_its_limit_or_when_an_answer_is_asked_for_now() {
    fake::FakeEngine engine;
    fake::Recording heard;
    Question asked = question("How many dollars did the firebreaks cost?");
    asked.max_thinking_tokens = 2;
    const auto limited = ask(*project_, engine, asked, heard, {});
    QVERIFY2(limited.has_value(), limited ? "" : limited.error().message.c_str());
    QCOMPARE(limited->run.thinking, std::string(" Looking for"));
    QCOMPARE(limited->run.answer, std::string("The firebreaks cost 41,300 dollars in total. [p5]"));
    QVERIFY(limited->run.settings_json.find("\"max_thinking\":2") != std::string::npos);
    std::stop_source enough;
    enough.request_stop();
    asked.answer_now = enough.get_token();
    const auto at_once = ask(*project_, engine, asked, heard, {});
    QVERIFY(at_once->run.thinking.empty());
    QCOMPARE(at_once->run.answer, limited->run.answer);
  }

  void a_run_is_asked_again_with_its_passages_and_its_stars() {
    fake::FakeEngine engine;
    fake::Recording heard;
    Question asked = question("How many dollars did the firebreaks cost?");
    const PartId part = asked.prompt.sources.parts.front();
    asked.prompt.sources.passages[part] = {{3, 9}, {20, 40}};
    asked.prompt.mask_secrets = true;
    const auto answer = ask(*project_, engine, asked, heard, {});
    QVERIFY2(answer.has_value(), answer ? "" : answer.error().message.c_str());
    const auto again = question_of_run(answer->run);
    QVERIFY(again.has_value());
    QVERIFY(again->sources.passages == asked.prompt.sources.passages);
    QVERIFY(again->mask_secrets);
  }

  void a_stop_keeps_the_text_so_far() {
    fake::FakeEngine engine;
    std::stop_source stop;
    engine.after_token = [&stop](std::int64_t n) {
      if (n == 4) stop.request_stop();
    };
    fake::Recording heard;
    const auto answer = ask(*project_, engine, question("How many dollars did the firebreaks cost?"), heard, stop.get_token());
    QVERIFY(answer.has_value());
    QCOMPARE(answer->run.end, std::string("cancelled"));
    QCOMPARE(answer->run.n_generated_tokens, 4);
    QVERIFY(!answer->run.thinking.empty());
    QCOMPARE(project_->runs()->size(), std::size_t{1});
  }

  void an_answer_is_not_lost_when_it_cannot_be_saved() {
    const auto read_only = Project::open(path_, OpenMode::kReadOnly);
    QVERIFY(read_only.has_value());
    fake::FakeEngine engine;
    fake::Recording heard;
    const auto answer = ask(**read_only, engine, question("How many dollars did the firebreaks cost?"), heard, {});
    QVERIFY(answer.has_value());
    QCOMPARE(answer->run.id, RunId{0});
    QVERIFY(!answer->not_saved.empty());
    QVERIFY(!answer->run.answer.empty());
  }

  void own_sampling_never_runs_over_the_reserve() {
    fake::FakeEngine engine;
    fake::Recording heard;
    Question asked = question("How many dollars did the firebreaks cost?");
    asked.prompt.reserve = 6;
    asked.own_sampling = true;
    asked.sampling.max_new_tokens = 500;
    const auto answer = ask(*project_, engine, asked, heard, {});
    QVERIFY(answer.has_value());
    QCOMPARE(answer->run.n_generated_tokens, 6);
    QCOMPARE(answer->run.end, std::string("length"));
  }

  void the_second_question_about_the_same_sources_finds_them_cached() {
    fake::FakeEngine engine;
    fake::Recording heard;
    QVERIFY(ask(*project_, engine, question("How many dollars did the firebreaks cost?"), heard, {}).has_value());
    const auto second = ask(*project_, engine, question("When did rain fall?"), heard, {});
    QVERIFY(second.has_value());
    QCOMPARE(second->run.n_cached_tokens, second->prompt.map.question.begin + 1);
  }

  void the_engine_thread_loads_answers_and_says_so_once() {
    EngineThread thread;
    std::promise<Result<engine::EngineInfo>> loaded;
    thread.open(fake_opener(), {}, [&](Result<engine::EngineInfo> info) { loaded.set_value(std::move(info)); });
    QCOMPARE(loaded.get_future().get()->name, std::string("Fake Finder"));
    QVERIFY(thread.engine() != nullptr);
    std::promise<Result<Answer>> answered;
    const auto heard = std::make_shared<fake::Recording>();
    thread.ask(path_, question("When did rain fall?"), heard, [&](Result<Answer> answer) { answered.set_value(std::move(answer)); });
    const auto answer = answered.get_future().get();
    QVERIFY2(answer.has_value(), answer ? "" : answer.error().message.c_str());
    QCOMPARE(answer->citations.at(0).label, std::string("report.pdf, p. 1"));
    QVERIFY(answer->run.id > 0);
  }

  void without_a_model_the_engine_thread_says_what_to_do() {
    EngineThread thread;
    std::promise<Result<Answer>> answered;
    thread.ask(path_, question("Why?"), std::make_shared<fake::Recording>(), [&](Result<Answer> answer) { answered.set_value(std::move(answer)); });
    const auto answer = answered.get_future().get();
    QVERIFY(!answer.has_value());
    QVERIFY(answer.error().code == ErrorCode::kNotFound);
  }

  void a_cancelled_job_still_reports_its_end() {
    std::promise<void> started;
    std::promise<void> go_on;
    bool first = true;
    EngineThread thread;
    thread.open(fake_opener([&](std::int64_t) {
                  if (std::exchange(first, false)) {
                    started.set_value();
                    go_on.get_future().wait();
                  }
                }),
                {}, [](Result<engine::EngineInfo>) {});
    std::promise<Result<Answer>> running, waiting;
    const auto heard = std::make_shared<fake::Recording>();
    const auto job = thread.ask(path_, question("When did rain fall?"), heard, [&](Result<Answer> answer) { running.set_value(std::move(answer)); });
    const auto later = thread.ask(path_, question("Why?"), heard, [&](Result<Answer> answer) { waiting.set_value(std::move(answer)); });
    started.get_future().wait();
    QVERIFY(thread.busy());
    thread.cancel(later);
    thread.cancel(job);
    go_on.set_value();
    QCOMPARE(running.get_future().get()->run.end, std::string("cancelled"));
    QVERIFY(waiting.get_future().get().error().code == ErrorCode::kCancelled);
  }

  void taking_the_thread_down_finishes_every_job() {
    int n_done = 0;
    {
      EngineThread thread;
      const auto heard = std::make_shared<fake::Recording>();
      thread.open(fake_opener(), {}, [&](Result<engine::EngineInfo>) { ++n_done; });
      for (int i = 0; i < 5; ++i) thread.ask(path_, question("When did rain fall?"), heard, [&](Result<Answer>) { ++n_done; });
    }
    QCOMPARE(n_done, 6);
  }

  void sources_are_chosen_by_page_and_by_file() {
    QCOMPARE(select_parts(*project_, {})->size(), std::size_t{4});
    QCOMPARE(select_parts(*project_, {{}, "2", {}})->size(), std::size_t{1});
    QCOMPARE(select_parts(*project_, {{}, "1-2", {"*.cc"}})->size(), std::size_t{4});
    QCOMPARE(select_parts(*project_, {{}, "", {"src/w*"}})->size(), std::size_t{1});
    QCOMPARE(select_parts(*project_, {{"burn*"}, "", {}})->size(), std::size_t{2});
  }

  void a_choice_that_meets_nothing_is_an_error_data() {
    QTest::addColumn<QString>("document");
    QTest::addColumn<QString>("pages");
    QTest::addColumn<QString>("file");
    QTest::newRow("no such page") << "" << "7" << "";
    QTest::newRow("no range") << "" << "three" << "";
    QTest::newRow("backwards") << "" << "5-3" << "";
    QTest::newRow("no such file") << "" << "" << "*.rs";
    QTest::newRow("no such document") << "nothing.pdf" << "" << "";
  }
  void a_choice_that_meets_nothing_is_an_error() {
    QFETCH(QString, document);
    QFETCH(QString, pages);
    QFETCH(QString, file);
    SourceFilter filter{{}, pages.toStdString(), {}};
    if (!document.isEmpty()) filter.documents.push_back(document.toStdString());
    if (!file.isEmpty()) filter.files.push_back(file.toStdString());
    QVERIFY(!select_parts(*project_, filter).has_value());
  }
};

QTEST_GUILESS_MAIN(AskTest)
#include "ask_test.moc"
