"""Both ends of the dialogue of `sightline setup`: a person who listens and answers, a world that only remembers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from machines import LAPTOP, OLLAMA

from sightline import prompts
from sightline.agent.setup import Done, Hands, Setup
from sightline.tools.models.contract import Contract
from sightline.tools.models.fetching import Weights
from sightline.tools.models.machine import Machine

GOOD = Contract("qwen3-vl:4b", OLLAMA, "v", "qwen3_vl", sees=True, boxes=True, first_ms=900.0, ms=2400.0)
BLIND = replace(GOOD, sees=False, problems=("images_ignored",))


class Person:
    """Answers in turn, the last of them for ever; an exception in place of an answer is raised. Hears everything.

    `stop`: the number of the sentence, from 0, at which they interrupt.
    """

    def __init__(self, *answers: str | type[BaseException], stop: int | None = None) -> None:
        self.answers = list(answers) or [""]
        self.heard: list[str] = []
        self.asked: list[str] = []
        self._stop = stop

    def say(self, text: str) -> None:
        self.heard.append(text)
        if len(self.heard) - len(self.asked) - 1 == self._stop:
            raise KeyboardInterrupt

    def ask(self, question: str) -> str:
        self.heard.append(question)
        self.asked.append(question)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            return answer + "\n"
        raise answer


class World:
    """Hands that do nothing and remember what they were asked; the hand named in `errors` raises."""

    def __init__(
        self,
        machine: Machine = LAPTOP,
        contract: Contract = GOOD,
        missing: float = 1.1,
        errors: Mapping[str, BaseException] | None = None,
    ) -> None:
        self.did: list[str] = []
        self.hands = Hands(
            look=lambda: self._do("look", machine),
            weigh=lambda repository: self._do(f"weigh {repository}", Weights("/cache/models", missing)),
            download=lambda repository, _, tell: self._do(f"download {repository}", None, tell),
            pull=lambda _, model, tell: self._do(f"pull {model}", None, tell),
            calibrate=lambda way, tell: self._do(
                f"calibrate {way.name}", contract, lambda share: tell(int(4 * share), 4)
            ),
        )
        self._errors = errors or {}

    def _do(self, what: str, gives: Any, tell: Callable[[float], None] = lambda _: None) -> Any:
        self.did.append(what)
        for share in (0.0, 0.3, 0.31, 0.8):
            tell(share)
        if what.split()[0] in self._errors:
            raise self._errors[what.split()[0]]
        tell(1.0)
        return gives


def hold(
    home: Path,
    world: World,
    person: Person,
    language: str = "en",
    *,
    yes: bool = False,
    model: str | None = None,
    server: str | None = None,
) -> Done:
    return Setup(home, language, person.say, person.ask, yes=yes).run(world.hands, model, server)


def said(key: str, language: str = "en", **slots: object) -> str:
    return prompts.say(language, f"setup.{key}", **slots)
