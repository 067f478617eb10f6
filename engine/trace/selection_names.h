#pragma once

#include <string_view>

#include "engine/trace/selection_trace.h"

/// The words for ways of selecting that stand in saved runs, tables and command lines.
namespace engine {

constexpr const char* name_of(SelectionMode mode) {
  switch (mode) {
    case SelectionMode::kBlocks: return "blocks";
    case SelectionMode::kDense: return "dense";
    case SelectionMode::kIndexer: break;
  }
  return "indexer";
}

/// Any other word than those above is taken for the indexer, which is what was meant where nothing is said.
constexpr SelectionMode selection_mode_named(std::string_view name) {
  if (name == "dense") return SelectionMode::kDense;
  return name == "blocks" ? SelectionMode::kBlocks : SelectionMode::kIndexer;
}

}  // namespace engine
