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
</context>
</TS>
