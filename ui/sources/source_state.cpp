#include "ui/sources/source_state.h"

#include <QJsonArray>

namespace ui {

QJsonObject source_state_to_json(const SourceState& state) {
  QJsonArray ticked, order;
  QJsonObject detail;
  for (const app::PartId part : state.ticked) ticked.append(static_cast<qint64>(part));
  for (const app::DocumentId document : state.order) order.append(static_cast<qint64>(document));
  for (const auto& [part, how] : state.detail) detail.insert(QString::number(part), static_cast<int>(how));
  return {{QStringLiteral("ticked"), ticked}, {QStringLiteral("detail"), detail}, {QStringLiteral("order"), order}};
}

SourceState source_state_from_json(const QJsonObject& json) {
  SourceState state;
  for (const QJsonValue value : json[QLatin1String("ticked")].toArray()) state.ticked.push_back(value.toInteger());
  for (const QJsonValue value : json[QLatin1String("order")].toArray()) state.order.push_back(value.toInteger());
  const QJsonObject detail = json[QLatin1String("detail")].toObject();
  for (auto it = detail.begin(); it != detail.end(); ++it) {
    const int how = it.value().toInt();
    if (how == 1 || how == 2) state.detail[it.key().toLongLong()] = static_cast<app::Detail>(how);
  }
  return state;
}

}  // namespace ui
