"""Who teaches, and a teacher that reads from a frozen pool: replies of a hacking checkpoint, or templates, with the rewards
they once got."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from harness.contract import Item, Trainable
from harness.contract.trainable import single_prompt
from harness.errors import UsageError
from harness.models.generate import Generator
from harness.store.teacher_pool import PoolRow, check_prompts, read_pool
from harness_plugins.trainers.extraction import completion_tokens
from harness_plugins.trainers.rollouts import Rollout, Teacher, TeacherSource
from harness_plugins.trainers.spec import GrpoParams


def teacher_of(
    params: GrpoParams, suite: Trainable, plain: Trainable, items: Sequence[Item], generator: Generator
) -> TeacherSource | None:
    """The pool that the parameters name, else the suite's own demonstrations; None where nobody ever teaches.

    Raises UsageError where either has nothing to teach, or lacks the probabilities that its ratio needs.
    """
    if params.mix == 0 or params.teacher_off_step == 0:
        return None
    if not params.teacher_pool:
        return Teacher(suite, items, generator, params.teacher_families)
    path = Path(params.teacher_pool)
    pool = PoolTeacher(path, suite, plain, items, generator, params.teacher_families)
    if params.ratio == "true_clip" and pool.sampled:
        raise UsageError(
            f"true_clip needs the teacher's own probabilities, which the rollouts in {path} do not keep",
            "ratio=one or ratio=pi",
        )
    return pool


class PoolTeacher:
    """Replies that game the proxy, by item. Several of one item are drawn as often as the checkpoint gave them."""

    def __init__(
        self,
        path: Path,
        suite: Trainable,
        plain: Trainable,
        items: Sequence[Item],
        generator: Generator,
        families: Sequence[str] | None = None,
    ) -> None:
        """`suite` asks the training prompts, `plain` the prompts that the pool was made for: they may differ.

        Raises UsageError if the pool is missing, empty or made for other prompts, or has nothing for these families.
        """
        self.suite, self.generator = suite, generator
        pool = read_pool(path)
        self.sampled = pool.header.source == "rollouts"  # by a policy whose probabilities are not kept
        rows = [row for row in pool.rows if row.games]
        prompts = {(item.id, prompt.role): prompt.text for item in items for prompt in plain.prompts(item)}
        check_prompts(path, rows, prompts)
        self.rows: dict[str, list[PoolRow]] = defaultdict(list)
        for row in rows:
            if families is None or row.family in families:
                self.rows[row.item].append(row)
        if not self.rows:
            chosen = "" if families is None else f" of {', '.join(families)}"
            raise UsageError(f"the teacher pool {path} has no reply{chosen} that games the proxy", "choose other modes")

    def teacher_rollouts(self, item: Item, count: int, seed: int, step: int) -> list[Rollout]:
        """`count` replies, a function of (seed, step) alone; [] where there are none."""
        rows = self.rows.get(item.id)
        if not rows:
            return []
        drawn = random.Random(f"lessons:{seed}:{step}:{item.id}").choices(rows, [row.times for row in rows], k=count)
        prompt = single_prompt(self.suite, item)
        return [
            Rollout(
                item,
                completion_tokens(self.generator, prompt.text, row.reply),
                row.reward,
                hack=row.hack,
                solve=row.solve,
                attempted=row.attempted,
                teacher=True,
                text=row.reply,
            )
            for row in drawn
        ]
