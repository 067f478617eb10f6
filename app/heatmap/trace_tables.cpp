#include "app/heatmap/trace_tables.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "app/heatmap/measures.h"
#include "app/heatmap/source_heat.h"

namespace app {

namespace {

std::string decimals(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

/// One line of a table: numbers and names, already written as fields.
class Line {
 public:
  explicit Line(std::string& out) : out_(out) {}
  ~Line() { out_ += '\n'; }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  Line& text(const std::string& value) { return field(csv_field(value)); }
  Line& number(std::int64_t value) { return field(std::to_string(value)); }
  Line& share(double value) { return field(decimals(value)); }
  Line& field(const std::string& value) {
    if (!is_first_) out_ += ',';
    is_first_ = false;
    out_ += value;
    return *this;
  }

 private:
  std::string& out_;
  bool is_first_ = true;
};

std::string passages(const RunTrace& run, const HeatScope& scope) {
  const KeyHeat heat = make_key_heat(*run.trace, scope);
  std::string out = "rank,source,first_token,end_token,selected_share,layers,text\n";
  if (!heat.sparse) return out;
  for (const SpanHeat& span : rank_spans(heat, run.map)) {
    const PromptBlock& block = run.map.blocks[span.block];
    Line(out).number(span.rank).text(run.label(block)).number(block.first_token).number(block.last_token).share(span.weight).number(span.n_layers).text(run.block_texts[span.block]);
  }
  return out;
}

std::vector<PartHeat> parts_of(const RunTrace& run, HeatScope scope, HeatPhase phase) {
  scope.phase = phase;
  scope.tokens.reset();
  if (phase == HeatPhase::kPrefill) scope.tokens = run.map.question;
  return part_heat(make_key_heat(*run.trace, scope), run.map);
}

std::string sources(const RunTrace& run, const HeatScope& scope) {
  std::string out = "source,tokens,question_share,thinking_share,answer_share,state\n";
  const auto question = parts_of(run, scope, HeatPhase::kPrefill), thinking = parts_of(run, scope, HeatPhase::kThinking), answer = parts_of(run, scope, HeatPhase::kAnswer);
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const char* state = !run.trace->sparse()    ? "dense"
                        : answer[i].selected    ? "selected by the answer"
                        : thinking[i].selected  ? "selected while thinking alone"
                        : question[i].selected  ? "selected by the question alone"
                                                : "never selected";
    Line(out).text(run.label(answer[i].part, answer[i].document)).number(answer[i].n_tokens).share(question[i].weight).share(thinking[i].weight).share(answer[i].weight).text(state);
  }
  return out;
}

/// The mean of the cells of some rows under one page or file.
double mean_share(const HeatMatrix& matrix, std::int32_t first_row, std::int32_t end_row, const PartStretch& keys) {
  const auto first = static_cast<std::int32_t>(keys.begin / engine::kTraceBlock);
  const auto end = std::min(matrix.n_columns, static_cast<std::int32_t>(engine::trace_blocks(keys.end)));
  double sum = 0;
  for (std::int32_t row = first_row; row < end_row; ++row) {
    for (std::int32_t column = first; column < end; ++column) sum += matrix.at(row, column);
  }
  return sum / std::max(1, (end_row - first_row) * (end - first));
}

std::string map(const RunTrace& run, const MatrixOptions& options) {
  const HeatMatrix matrix = make_matrix(*run.trace, options);
  const std::vector<PartStretch> stretches = part_stretches(run.map);
  std::string out = "query_source,key_source,share\n";
  const auto add = [&](const std::string& query, std::int32_t first_row, std::int32_t end_row) {
    for (const PartStretch& key : stretches) {
      const double share = mean_share(matrix, first_row, end_row, key);
      if (share > 0) Line(out).text(query).text(run.label(key.part, key.document)).share(share);
    }
  };
  if (matrix.rows == MapRows::kGenerated) {
    for (std::int32_t row = 0; row < matrix.n_rows; ++row) add("token " + std::to_string(row), row, row + 1);
    return out;
  }
  if (matrix.values.empty()) return out;
  for (const PartStretch& query : stretches) {
    const auto first = static_cast<std::int32_t>(query.begin / matrix.row_unit);
    add(run.label(query.part, query.document), first, std::min<std::int32_t>(matrix.n_rows, static_cast<std::int32_t>((query.end + matrix.row_unit - 1) / matrix.row_unit)));
  }
  return out;
}

std::string layers(const RunTrace& run, const HeatScope& scope) {
  std::string out = "layer,source,share\n";
  for (int layer = 0; layer < run.trace->n_layers; ++layer) {
    if (scope.phase == HeatPhase::kPrefill && !run.trace->computed(layer)) {
      Line(out).number(layer + 1).text("not computed while the prompt was read").field("");
      continue;
    }
    HeatScope one = scope;
    one.layer = layer;
    for (const PartHeat& part : part_heat(make_key_heat(*run.trace, one), run.map)) {
      Line(out).number(layer + 1).text(run.label(part.part, part.document)).share(part.weight);
    }
  }
  return out;
}

std::string distances(const RunTrace& run, const HeatScope& scope) {
  std::string out = "first_distance,end_distance,share\n";
  for (const DistanceBin& bin : distance_profile(*run.trace, scope).bins) Line(out).number(bin.first).number(bin.end).share(bin.share);
  return out;
}

std::string recall(const RunTrace& run) {
  std::string out = "layer,dense_attention_kept\n";
  for (std::size_t layer = 0; layer < run.trace->recall.size(); ++layer) {
    const float share = run.trace->recall[layer];
    Line(out).number(static_cast<std::int64_t>(layer) + 1).field(share < 0 ? "not measured" : decimals(static_cast<double>(share)));
  }
  return out;
}

std::string agreement(const RunTrace& run, const HeatScope& scope) {
  std::string out = "layer,other_layer,jaccard,kept_when_reused\n";
  const LayerAgreement agreement = layer_agreement(*run.trace, scope);
  for (int a = 0; a < agreement.n_layers; ++a) {
    for (int b = 0; b < agreement.n_layers; ++b) {
      Line(out).number(a + 1).number(b + 1).share(static_cast<double>(agreement.at(a, b))).share(static_cast<double>(agreement.kept_at(a, b)));
    }
  }
  return out;
}

std::string differences(const RunTrace& run, const RunTrace* compared, const HeatScope& scope) {
  std::string out = "source,share,other_share,change\n";
  if (compared == nullptr) return out;
  for (const PartDifference& one : part_differences(run, *compared, scope)) {
    const RunTrace& named = one.first < 0 ? *compared : run;
    const auto share = [](double value) { return value < 0 ? std::string("not in the prompt") : decimals(value); };
    Line(out).text(named.label(one.part, one.document)).field(share(one.first)).field(share(one.second)).share(std::max(0.0, one.second) - std::max(0.0, one.first));
  }
  return out;
}

constexpr std::array<std::string_view, 8> kNames{"passages", "sources", "map", "layers", "distance", "recall", "agreement", "differences"};

}  // namespace

std::string csv_field(const std::string& text) {
  std::string out = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + '"';
}

std::string trace_table(const RunTrace& run, TraceTable table, const TableOptions& options) {
  switch (table) {
    case TraceTable::kPassages: return passages(run, options.scope);
    case TraceTable::kSources: return sources(run, options.scope);
    case TraceTable::kMap: return map(run, options.matrix);
    case TraceTable::kLayers: return layers(run, options.scope);
    case TraceTable::kDistance: return distances(run, options.scope);
    case TraceTable::kRecall: return recall(run);
    case TraceTable::kAgreement: return agreement(run, options.scope);
    case TraceTable::kDifferences: return differences(run, options.compared.get(), options.scope);
  }
  return {};
}

const std::vector<TraceTable>& trace_tables() {
  static const std::vector<TraceTable> all{TraceTable::kPassages, TraceTable::kSources, TraceTable::kMap,       TraceTable::kLayers,
                                           TraceTable::kDistance, TraceTable::kRecall,  TraceTable::kAgreement, TraceTable::kDifferences};
  return all;
}

std::string_view trace_table_name(TraceTable table) { return kNames[static_cast<std::size_t>(table)]; }

std::optional<TraceTable> trace_table_named(std::string_view name) {
  for (const TraceTable table : trace_tables()) {
    if (trace_table_name(table) == name) return table;
  }
  return std::nullopt;
}

}  // namespace app
