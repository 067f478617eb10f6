#pragma once

namespace app {

/// Entry points of the worker process, called by the command line's main() and by nobody else: this
/// is the only process that parses documents, and it gives up its rights before it does.

/// `extract-pages FIRST LAST [plain=N ...] [skip=N ...]`: the PDF is open on standard input, frames of
/// pages (page_frames.h) go to standard output. LAST 0 is the last page. plain: read this page without
/// fonts; skip: do not read it.
int run_extract_worker(int argc, char** argv);

/// `extract-text html|word|epub`: the document is open on standard input, frames of its parts go to
/// standard output.
int run_text_worker(int argc, char** argv);

/// `render-page`: the PDF is open on descriptor 3; each line "PAGE DOTS_PER_INCH" on standard input
/// is answered by one frame on standard output.
int run_render_worker(int argc, char** argv);

}  // namespace app
