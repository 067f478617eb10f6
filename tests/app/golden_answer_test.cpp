#include <QTemporaryDir>
#include <QTest>

#include "app/ingest/ingest.h"
#include "app/question/ask.h"
#include "app/settings/sample.h"
#include "engine/local/local_engine.h"
#include "tests/support/fake_engine.h"

using namespace app;

/// From the bytes of the sample's PDF and code to a verified citation, with the bundled models.
class GoldenAnswerTest : public QObject {
  Q_OBJECT

  QTemporaryDir folder_;
  std::unique_ptr<Project> project_;
  Sample sample_;
  const std::string resources_ = std::string(LONGLEAF_SOURCE_DIR) + "/resources";

  Result<Answer> answer(const std::string& model, const std::string& question, const SourceFilter& filter) {
    TRY_ASSIGN(const auto engine, engine::open_local_engine(resources_ + "/models/" + model, {}));
    Question asked;
    asked.prompt.question = question;
    TRY_ASSIGN(asked.prompt.sources.parts, select_parts(*project_, filter));
    fake::Recording heard;
    return ask(*project_, *engine, asked, heard, {});
  }

 private slots:
  void initTestCase() {
    auto sample = Sample::load(resources_ + "/sample");
    QVERIFY2(sample.has_value(), sample ? "" : sample.error().message.c_str());
    sample_ = std::move(*sample);
    project_ = std::move(*Project::open((folder_.path() + "/sample.longleaf").toStdString()));
    IngestOptions options;
    options.worker = std::string(LONGLEAF_BINARY_DIR) + "/app/cli/longleaf-cli";
    for (const auto& source : sample_.sources) {
      const auto id = ingest(*project_, source, options, {}, {});
      QVERIFY2(id.has_value(), id ? "" : id.error().message.c_str());
    }
  }

  void the_sample_is_a_report_of_thirty_pages_or_more_and_a_code_tree() {
    const auto documents = *project_->documents();
    QCOMPARE(documents.size(), std::size_t{2});
    QVERIFY(documents[0].n_parts >= 30);
    QVERIFY(documents[1].n_parts >= 25);
  }

  void the_bundled_finder_answers_the_samples_questions_data() {
    QTest::addColumn<int>("index");
    for (int i = 0; i < 3; ++i) QTest::newRow(qPrintable(QString("question %1").arg(i + 1))) << i;
  }
  void the_bundled_finder_answers_the_samples_questions() {
    QFETCH(int, index);
    const SampleQuestion& question = sample_.questions.at(static_cast<std::size_t>(index));
    SourceFilter few = question.narrow;  // the pages around the answer: the whole choice takes a minute on a slow machine
    if (!few.pages.empty()) few.pages = index == 0 ? "2-5" : "21-24";
    const auto given = answer("finder", question.question, few);
    QVERIFY2(given.has_value(), given ? "" : given.error().message.c_str());
    QVERIFY2(given->run.answer.find(question.answer) != std::string::npos, given->run.answer.c_str());
    QVERIFY(!given->citations.empty());
    for (const Citation& citation : given->citations) {
      QVERIFY2(citation.check == QuoteCheck::kVerified, citation.quote.c_str());
      QVERIFY2(citation.label.find(question.place) != std::string::npos, citation.label.c_str());
    }
    const auto text = project_->part_text(given->citations.front().part);
    const Citation& first = given->citations.front();
    QVERIFY(text->text.substr(first.source_begin, first.source_end - first.source_begin).find(question.answer) != std::string::npos);
  }

  void the_starter_answers_within_a_page() {
    const auto given = answer("starter", "What does the text say about permanent plots?", {{"*.pdf"}, "2", {}});
    QVERIFY2(given.has_value(), given ? "" : given.error().message.c_str());
    QVERIFY2(given->run.answer.find(sample_.questions.at(0).answer) != std::string::npos, given->run.answer.c_str());
    QVERIFY(given->citations.at(0).check == QuoteCheck::kVerified);
    QCOMPARE(given->citations.at(0).label, std::string("tolliver-creek.pdf, p. 2"));
  }
};

QTEST_GUILESS_MAIN(GoldenAnswerTest)
#include "golden_answer_test.moc"
