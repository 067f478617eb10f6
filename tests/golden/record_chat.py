"""Records the exact prompts that the published chat encoders make.

    python tests/golden/record_chat.py FOLDER

FOLDER holds them as published with the models: encoding_dsv32.py of DeepSeek-V3.2 and the chat templates
deepseek_v31.jinja, deepseek_v3.jinja, deepseek_r1.jinja, deepseek_v2.jinja, glm52.jinja (GLM-5.2 and 5.3) and
glm4_moe_lite.jinja (GLM-4.7-Flash, the same as GLM-5's and 5.1's). Writes tests/golden/chat.json. Templates are
rendered with the settings of transformers; the last turn decides whether an answer is asked for.
"""

import itertools
import json
import pathlib
import sys

from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
FOLDER = pathlib.Path(sys.argv[1])
BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
FAMILIES = {"deepseek_v31": "deepseek_v31", "deepseek_v3": "deepseek_v3", "deepseek_r1": "deepseek_r1",
            "deepseek_v2": "deepseek_v2", "glm52": "glm52", "glm5": "glm4_moe_lite", "glm4_moe_lite": "glm4_moe_lite"}

SYSTEM = ["", "Be exact.", "Reply in verse.\n\nTwo paragraphs, 中文 and ünïcode. "]
QUESTIONS = ["One?", " A question with spaces around \n", "def f(x):\n\treturn x  # what?\n", "第二个问题？", "x"]
ANSWERS = ["First.", " spaced answer \n", "A list:\n\n* one\n* two\n\n", "\u00a0kept?", ""]
THOUGHTS = ["hm", "Let me see.\nTwo lines.\n", " padded "]


def conversations():
    question, answer, thought = itertools.cycle(QUESTIONS), itertools.cycle(ANSWERS), itertools.cycle(THOUGHTS)
    for system in SYSTEM:
        for n_turns in (1, 2, 3):
            for ends_answered in (False, True):
                messages = [dict(role="system", content=system)] if system else []
                for turn in range(n_turns):
                    messages.append(dict(role="user", content=next(question)))
                    if turn + 1 < n_turns or ends_answered:
                        messages.append(dict(role="assistant", content=next(answer), reasoning_content=next(thought)))
                yield messages
    yield [dict(role="system", content="First."), dict(role="system", content="Second."), dict(role="user", content="?")]


def render(family, messages, thinking):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((FOLDER / f"{FAMILIES[family]}.jinja").read_text())
    return template.render(messages=messages, bos_token=BOS, eos_token=EOS, enable_thinking=thinking, thinking=thinking,
                           add_generation_prompt=messages[-1]["role"] == "user")


def main():
    sys.path.insert(0, str(FOLDER))
    from encoding_dsv32 import encode_messages
    rows = []
    for messages, thinking in itertools.product(conversations(), (True, False)):
        prompt = encode_messages(messages, "thinking" if thinking else "chat")
        rows.append(dict(family="deepseek_v32", thinking=thinking, messages=messages, prompt=prompt))
        rows += [dict(family=family, thinking=thinking, messages=messages, prompt=render(family, messages, thinking)) for family in FAMILIES]
    (HERE / "chat.json").write_text(json.dumps(rows, ensure_ascii=False, indent=0) + "\n")
    print(len(rows), "prompts")


main()
