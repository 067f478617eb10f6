#pragma once

#include <QDBusVariant>
#include <QObject>

namespace ui {

/// Whether the desktop asks for dark windows: the settings portal's color-scheme, and until it
/// answers (or where there is none) the lightness of the palette the program was started with.
class SystemScheme : public QObject {
  Q_OBJECT

 public:
  explicit SystemScheme(QObject* parent = nullptr);
  bool dark() const { return dark_; }

 signals:
  void changed();

 private slots:
  void on_setting_changed(const QString& group, const QString& key, const QDBusVariant& value);

 private:
  void set_scheme(unsigned scheme);

  bool dark_ = false;
};

}  // namespace ui
