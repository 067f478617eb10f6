<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>ui::FindingsPanel</name>
    <message numerus="yes">
        <source>%n finding(s)</source>
        <translation>
            <numerusform>%n finding</numerusform>
            <numerusform>%n findings</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n error(s)</source>
        <translation>
            <numerusform>%n error</numerusform>
            <numerusform>%n errors</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n warning(s)</source>
        <translation>
            <numerusform>%n warning</numerusform>
            <numerusform>%n warnings</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n note(s)</source>
        <translation>
            <numerusform>%n note</numerusform>
            <numerusform>%n notes</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::Jobs</name>
    <message numerus="yes">
        <source>%1, and %n more</source>
        <translation>
            <numerusform>%1, and %n more</numerusform>
            <numerusform>%1, and %n more</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::MainWindow</name>
    <message numerus="yes">
        <source>%n finding(s) in this answer; the Review layout lists them.</source>
        <translation>
            <numerusform>%n finding in this answer; the Review layout lists them.</numerusform>
            <numerusform>%n findings in this answer; the Review layout lists them.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::ModelsDialog</name>
    <message numerus="yes">
        <source>%n model(s) found: bundled, own folder, Hugging Face cache, LM Studio, Ollama and the folders you named. Nothing is changed there.</source>
        <translation>
            <numerusform>%n model found: bundled, own folder, Hugging Face cache, LM Studio, Ollama and the folders you named. Nothing is changed there.</numerusform>
            <numerusform>%n models found: bundled, own folder, Hugging Face cache, LM Studio, Ollama and the folders you named. Nothing is changed there.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::ProjectUpkeep</name>
    <message numerus="yes">
        <source>%n place(s) of the project are damaged.</source>
        <translation>
            <numerusform>%n place of the project are damaged.</numerusform>
            <numerusform>%n places of the project are damaged.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::QuestionListDialog</name>
    <message numerus="yes">
        <source>%n question(s)</source>
        <translation>
            <numerusform>%n question</numerusform>
            <numerusform>%n questions</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::ReadingReport</name>
    <message numerus="yes">
        <source>%n page(s)</source>
        <translation>
            <numerusform>%n page</numerusform>
            <numerusform>%n pages</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n file(s)</source>
        <translation>
            <numerusform>%n file</numerusform>
            <numerusform>%n files</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::RecogniseDialog</name>
    <message numerus="yes">
        <source>%n page(s) are pictures without text. Reading them needs Tesseract, which is not installed: install the package tesseract-ocr and try again.</source>
        <translation>
            <numerusform>%n page are pictures without text. Reading them needs Tesseract, which is not installed: install the package tesseract-ocr and try again.</numerusform>
            <numerusform>%n pages are pictures without text. Reading them needs Tesseract, which is not installed: install the package tesseract-ocr and try again.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n page(s) are pictures without text. Tesseract can read them on this machine, one after the other, with some mistakes; a page takes a second or a few. It goes on in the background and can be cancelled; pages already read are kept.</source>
        <translation>
            <numerusform>%n page are pictures without text. Tesseract can read them on this machine, one after the other, with some mistakes; a page takes a second or a few. It goes on in the background and can be cancelled; pages already read are kept.</numerusform>
            <numerusform>%n pages are pictures without text. Tesseract can read them on this machine, one after the other, with some mistakes; a page takes a second or a few. It goes on in the background and can be cancelled; pages already read are kept.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::RunHistoryDialog</name>
    <message numerus="yes">
        <source>%n run(s)</source>
        <translation>
            <numerusform>%n run</numerusform>
            <numerusform>%n runs</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 of %n run(s)</source>
        <translation>
            <numerusform>%1 of %n run</numerusform>
            <numerusform>%1 of %n runs</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n page(s) and file(s)</source>
        <translation>
            <numerusform>%n page and file</numerusform>
            <numerusform>%n pages and files</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>, behind %n earlier turn(s)</source>
        <translation>
            <numerusform>, behind %n earlier turn</numerusform>
            <numerusform>, behind %n earlier turns</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ui::SourcesPanel</name>
    <message numerus="yes">
        <source>%n place(s) in the texts</source>
        <translation>
            <numerusform>%n place in the texts</numerusform>
            <numerusform>%n places in the texts</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Possible secrets in %n source(s)</source>
        <translation>
            <numerusform>Possible secrets in %n source</numerusform>
            <numerusform>Possible secrets in %n sources</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n source(s) not read to the end: go on</source>
        <translation>
            <numerusform>%n source not read to the end: go on</numerusform>
            <numerusform>%n sources not read to the end: go on</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n page(s) without text: recognise…</source>
        <translation>
            <numerusform>%n page without text: recognise…</numerusform>
            <numerusform>%n pages without text: recognise…</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n definition(s)</source>
        <translation>
            <numerusform>%n definition</numerusform>
            <numerusform>%n definitions</numerusform>
        </translation>
    </message>
</context>
</TS>
