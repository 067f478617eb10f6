#pragma once

namespace ui {

/// Loads the faces of the program's fonts, and those that stand in for signs they lack, before a text
/// asks for them: some tens of milliseconds once, better while nothing goes on. Main thread.
void load_fonts();

}  // namespace ui
