#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include "app/question/findings.h"
#include "app/question/prompt_templates.h"
#include "app/question/run_export.h"
#include "app/question/secrets.h"
#include "app/settings/model_plan.h"
#include "tests/support/small_project.h"

using namespace app;

class ReviewTest : public QObject {
  Q_OBJECT

  QTemporaryDir folder_;
  std::unique_ptr<Project> project_;

  std::vector<Finding> parse(const std::string& answer) {
    auto found = parse_findings(answer, PromptMap{}, *project_, {});
    return found ? std::move(*found) : std::vector<Finding>{};
  }

 private slots:
  void initTestCase() { project_ = support::small_project((folder_.path() + "/p.longleaf").toStdString()); }

  void a_finding_is_held_against_the_file_that_it_names() {
    const auto found = parse("Two things:\n- [error] src/wind.cc:4 doubles the **gusts**: `return gusts * 2;`\n  Nobody wants that.\n- **Note**: main.cc:2 is fine\n");
    QCOMPARE(found.size(), std::size_t{2});
    QVERIFY(found[0].severity == Severity::kError);
    QVERIFY(found[0].place_exists);
    QVERIFY(found[0].check == QuoteCheck::kVerified);
    QCOMPARE(found[0].text, std::string("  Nobody wants that."));
    QVERIFY(found[1].severity == Severity::kNote);
    QCOMPARE(found[1].path, std::string("src/main.cc"));
  }

  void places_and_code_that_do_not_exist_are_told_apart() {
    const auto found = parse("1. warning: src/wind.cc:400 is wrong\n2. warning: src/wind.cc:4 has `delete everything;`\n3. src/storm.cc:1 leaks\n4. Times like 10:30 name no file\n");
    QCOMPARE(found.size(), std::size_t{3});
    QVERIFY(!found[0].place_exists);
    QVERIFY(found[1].place_exists && found[1].check == QuoteCheck::kNotFound);
    QVERIFY(!found[2].place_exists);
  }

  void sarif_holds_only_places_that_exist() {
    const auto found = parse("- error: src/wind.cc:3-4 is wrong\n- error: src/storm.cc:1 is wrong\n");
    const QJsonObject run = QJsonDocument::fromJson(QByteArray::fromStdString(findings_to_sarif(found, "1"))).object()["runs"].toArray().at(0).toObject();
    const QJsonArray results = run["results"].toArray();
    QCOMPARE(results.size(), qsizetype{1});
    const QJsonObject place = results[0].toObject()["locations"].toArray().at(0).toObject()["physicalLocation"].toObject();
    QCOMPARE(place["artifactLocation"].toObject()["uri"].toString(), QString("src/wind.cc"));
    QCOMPARE(place["region"].toObject()["startLine"].toInt(), 3);
    QCOMPARE(place["region"].toObject()["endLine"].toInt(), 4);
    QCOMPARE(run["properties"].toObject()["findingsWithoutPlace"].toInt(), 1);
  }

  void an_exported_answer_cannot_run_anything() {
    Run run;
    run.question = "<b>Why?</b>";
    run.answer = "<script>alert(1)</script> it rained [p1]";
    Citation citation;
    citation.begin = 36;
    citation.end = 40;
    citation.in_prompt = true;
    citation.check = QuoteCheck::kVerified;
    citation.label = "report.pdf, p. 1";
    const std::string page = run_to_html(run, {citation});
    QVERIFY(page.find("<script>") == std::string::npos);
    QVERIFY(page.find("&lt;script&gt;alert(1)&lt;/script&gt; it rained [1]") != std::string::npos);
    QVERIFY(run_to_markdown(run, {citation}).find("1. report.pdf, p. 1 (verified)") != std::string::npos);
  }

  void secrets_are_found_by_form_and_by_name_and_never_repeated() {
    const std::string key = "AKIA" + std::string("IOSFODNN7") + "EXAMPLE";
    const auto found = find_secrets("int x = 1;\nkey = \"" + key + "\"\npassword: hunter2\napi_key = 'q8Zr41LmT0vXw93K'\n");
    QCOMPARE(found.size(), std::size_t{2});
    QCOMPARE(found[0].kind, std::string("AWS access key"));
    QCOMPARE(found[0].line, 2);
    QCOMPARE(found[0].preview, std::string("AKIA..."));
    QCOMPARE(found[1].line, 4);
  }

  void ordinary_code_holds_no_secrets() {
    QVERIFY(find_secrets("token = tokenizer.next();\npassword = read_password_from_terminal();\n// secret: see the manual\nsk-ipped\n").empty());
  }

  void templates_are_the_projects_own_once_they_are_saved() {
    QCOMPARE(*load_templates(*project_), shipped_templates());
    const std::vector<PromptTemplate> own{{"Mine", "Report", "What of {subject} and {place}, or {subject}?"}};
    QVERIFY(save_templates(*project_, own).has_value());
    QCOMPARE(*load_templates(*project_), own);
    QCOMPARE(variables_of(own[0]), (std::vector<std::string>{"subject", "place"}));
    QVERIFY(!save_templates(*project_, {{"A", "", "x"}, {"A", "", "y"}}).has_value());
    QVERIFY(!save_templates(*project_, {{"", "", "x"}}).has_value());
  }

  void a_list_of_questions_is_read_line_by_line() {
    QCOMPARE(parse_questions("# all\n1. Why?\n\n- How?\r\nWhen?"), (std::vector<std::string>{"Why?", "How?", "When?"}));
  }

  void a_plan_says_what_fits() {
    const auto plan = plan_model(std::string(LONGLEAF_SOURCE_DIR) + "/resources/models/starter");
    QVERIFY2(plan.has_value(), plan ? "" : plan.error().message.c_str());
    QCOMPARE(plan->key_bytes_per_token, std::int64_t{4} * (96 + 16) * 4);
    QCOMPARE(plan->index_bytes_per_token, std::int64_t{4} * 64 * 4);
    QCOMPARE(plan->longest_context(plan->bytes_at(1000)), std::int64_t{1000});
    QCOMPARE(plan->longest_context(plan->weight_bytes), std::int64_t{0});
    QVERIFY(free_memory_bytes() > 0);
  }
};

QTEST_GUILESS_MAIN(ReviewTest)
#include "review_test.moc"
