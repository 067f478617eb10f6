#pragma once

#include <QJsonObject>

#include <map>
#include <vector>

#include "app/question/prompt_builder.h"

namespace ui {

/// What goes into the prompt and in which order: chosen parts, how much of each, documents from first to last.
struct SourceState {
  std::vector<app::PartId> ticked;
  std::map<app::PartId, app::Detail> detail;  // parts that are not here go in whole
  std::vector<app::DocumentId> order;         // documents that are not here follow behind
  std::map<app::PartId, app::Passages> passages = {};  // of these parts only what was chosen in the reader
  friend bool operator==(const SourceState&, const SourceState&) = default;
};

QJsonObject source_state_to_json(const SourceState& state);
/// What cannot be read is left out.
SourceState source_state_from_json(const QJsonObject& json);

}  // namespace ui
